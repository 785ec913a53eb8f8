// The line that a certificate carries, as statement.py writes it, and the signed list of what was revoked.
import { hashes, verify } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";

// WebCrypto knows Ed25519 in new browsers only, and is barred where a page is a file on a telephone.
hashes.sha512 = sha512;

const FIELDS = ["kind", "number", "version", "name", "unit", "track", "course", "hours", "score", "day"];

/** @returns {Uint8Array} */
export function bytesOf(base64url) {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

/** Every statement in `text`, as it stands; nothing of it is believed yet. What is pasted may be cut short. */
export function statementsIn(text) {
  const found = wholeStatementsIn(text);
  return found.length ? found : [...new Set((text.match(/QL1\|[^\r\n]*/g) ?? []).map((line) => line.trim()))];
}

/** Those that end in a signature; many may stand on one line, as in a PDF's metadata. */
export function wholeStatementsIn(text) {
  const found = text.match(/QL1(?:\|[^|\r\n]{0,1500}){11}\|[A-Za-z0-9_-]{86}(?![A-Za-z0-9_-])/g) ?? [];
  return [...new Set(found)];
}

/** The statement of one line by field, with `keyId`, `body` and `signature`; null when it is none. */
export function parse(line) {
  const parts = line.split("|");
  if (parts.length !== FIELDS.length + 3) return null;
  try {
    const fields = Object.fromEntries(FIELDS.map((name, i) => [name, decodeURIComponent(parts[i + 1])]));
    const signature = bytesOf(parts.at(-1));
    return signature.length === 64
      ? { ...fields, keyId: parts.at(-2), body: parts.slice(0, -1).join("|"), signature }
      : null;
  } catch {
    return null;
  }
}

function holds(signature, body, key) {
  try {
    return verify(signature, new TextEncoder().encode(body), key, { zip215: false });
  } catch {
    return false;
  }
}

/** The list of revocations, {day, gone: number → last edition that no longer holds, with its day}, or null if it is not ours. */
export function revocations(line, keys) {
  const parts = typeof line === "string" ? line.split("|") : [];
  if (parts.length !== 5 || parts[0] !== "QLR1" || !Object.hasOwn(keys, parts[3])) return null;
  const [, day, entries, keyId, tail] = parts;
  try {
    if (!holds(bytesOf(tail), ["QLR1", day, entries, keyId].join("|"), bytesOf(keys[keyId]))) return null;
  } catch {
    return null;
  }
  const gone = new Map();
  for (const entry of entries ? entries.split(",") : []) {
    const [number, version, when] = entry.split(":");
    if (!gone.has(number) || gone.get(number).version < Number(version)) gone.set(number, { version: Number(version), when });
  }
  return { day, gone };
}

/** What is to be said of one line: {state, statement?, revoked?, list}. */
export function judge(line, office) {
  const list = revocations(office.revocations, office.keys);
  const statement = parse(line);
  if (!statement) return { state: "changed", list };
  if (!Object.hasOwn(office.keys, statement.keyId)) return { state: "foreign", statement, list };
  if (!holds(statement.signature, statement.body, bytesOf(office.keys[statement.keyId]))) return { state: "changed", list };
  if (!list) return { state: "unknown", statement, list };
  const revoked = list.gone.get(statement.number);
  if (revoked && revoked.version >= Number(statement.version)) return { state: "revoked", statement, revoked, list };
  // A certificate younger than the list may have been revoked since without this page knowing.
  return { state: statement.day > list.day ? "younger" : "valid", statement, list };
}
