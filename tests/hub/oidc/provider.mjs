// A real OpenID provider for the tests of single sign-on: node provider.mjs PORT CALLBACK
// Whoever signs in as 10001 has the employee number 10001; the claim is missing for somebody called "nobody".
import Provider from "oidc-provider";

const [port, callback] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const client = {
  client_secret: "a-secret-of-the-tests-alone-0123456789",
  redirect_uris: [callback],
  response_types: ["code"],
  grant_types: ["authorization_code"],
  token_endpoint_auth_method: "client_secret_post",
};

const provider = new Provider(issuer, {
  clients: [
    { ...client, client_id: "qinlian" },
    { ...client, client_id: "hasty" },
  ],
  claims: { openid: ["sub"], profile: ["name", "preferred_username", "employee_number"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: `subject-${id}`,
      name: "从单位来的名字",
      preferred_username: `${id}@example.test`,
      ...(id === "nobody" ? {} : { employee_number: id }),
    }),
  }),
  clockTolerance: 0,
  cookies: { keys: ["a key of the tests alone"] },
  features: { devInteractions: { enabled: true } },
  pkce: { required: () => true },
  // The code of the hasty client is too old before anybody can bring it back.
  ttl: { AuthorizationCode: (_context, _code, { clientId }) => (clientId === "hasty" ? 1 : 60) },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
