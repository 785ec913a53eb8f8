"""JupyterHub for this course. ``./run --hub`` uses it as it stands; it reads S/hub/settings.json (S: QINLIAN_STATE).

Whoever has a Hub already takes over the parts marked 1 to 5 and puts their own values where ``hub.`` stands.
"""

from pathlib import Path

from qinlian.hub.landing import landing
from qinlian.hub.pages import TEMPLATES
from qinlian.hub.settings import GRADER, HubSettings, state_folder

c = get_config()  # noqa: F821 - given by traitlets
hub = HubSettings.load(state_folder())
course, python = hub.course_id, str(hub.program / "python")
learners, instructors = f"nbgrader-{course}", f"formgrade-{course}"

# 1. Where it listens. The proxy runs beside the Hub, so that the Hub may restart without anybody noticing.
c.JupyterHub.bind_url = f"{'https' if hub.certificate else 'http'}://{hub.host}:{hub.port}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{hub.ports.hub}"
c.JupyterHub.public_url = f"{hub.url}/"
c.JupyterHub.subdomain_host = hub.domain
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{hub.ports.proxy_api}"
c.ConfigurableHTTPProxy.auth_token = hub.proxy_token
# How often it looks whether the proxy still has all its routes.
c.JupyterHub.last_activity_interval = 60
c.JupyterHub.db_url = f"sqlite:///{hub.private / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(hub.private / "cookie_secret")

# 2. Who comes in: people of the roster, with a password of their own or through the institution's sign-on.
if hub.single_sign_on:
    c.JupyterHub.authenticator_class = "qinlian.hub.single_sign_on.QinlianSingleSignOn"
    for name, value in hub.single_sign_on.items():
        setattr(c.QinlianSingleSignOn, name, value)
else:
    c.JupyterHub.authenticator_class = "qinlian.hub.sign_in.QinlianAuthenticator"
    c.QinlianAuthenticator.store_path = str(hub.private / "sign-in.sqlite")
    # HTTPS without a certificate here means a front server before our proxy: addresses are what that one saw.
    c.QinlianAuthenticator.proxies = 2 if hub.url.startswith("https:") and not hub.certificate else 1
c.RosterGate.db_url = hub.db_url
c.Authenticator.admin_users = set(hub.admins)
c.JupyterHub.template_paths = [str(TEMPLATES)]
c.JupyterHub.template_vars = {"contact": hub.contact}
c.JupyterHub.default_url = landing(instructors)

# 3. A learner's server: the learner's own unix user, within limits, without terminal or formgrader.
c.JupyterHub.spawner_class = "qinlian.hub.spawner.LearnerSpawner"
c.LearnerSpawner.state = str(hub.state)
c.Spawner.default_url = "/qinlian/"
c.Spawner.http_timeout = c.Spawner.start_timeout = 120
c.JupyterHub.concurrent_spawn_limit = 20
c.JupyterHub.allow_named_servers = False

# 4. Services: formgrader, the instructors' pages and the worker run as the grader, who alone has course and gradebook.
# setpriv ends them with the Hub, should that be killed: two of them would fight over one port.
tied = ["setpriv", "--pdeathsig", "TERM", "--"]
as_grader = {
    "user": GRADER,
    "cwd": str(hub.course_root),
    "environment": {
        **hub.grader_environment(),
        "HOME": str(hub.classroom),
        "JUPYTER_CONFIG_DIR": str(hub.state / "formgrader"),
        "JUPYTERHUB_DEFAULT_URL": "/formgrader",
    },
}
page = {"oauth_no_confirm": True, "display": False, "timeout": 120}
c.JupyterHub.services = [
    {
        **as_grader,
        **page,
        "name": "formgrader",
        "url": f"http://127.0.0.1:{hub.ports.formgrader}",
        "command": [*tied, python, "-P", "-m", "qinlian.hub.formgrader"],
    },
    {
        **as_grader,
        **page,
        "name": "staff",
        "url": f"http://127.0.0.1:{hub.ports.staff}",
        "command": [*tied, python, "-P", "-m", "qinlian.staff", "--root", str(hub.course_root)],
    },
    # Two workers share the work; JupyterHub takes half a minute to see that one died, the other goes on at once.
    *(
        {
            **as_grader,
            "name": f"worker-{number}",
            "command": [*tied, python, "-P", "-m", "qinlian.grading.worker", "--root", str(hub.course_root)],
        }
        for number in (1, 2)
    ),
    {
        "name": "culler",
        "command": [*tied, python, "-P", "-m", "jupyterhub_idle_culler", "--timeout=3600", "--cull-every=300"],
    },
    {"name": "roster", "api_token": hub.roster_token, "display": False},
]

# 5. Who may do what. Beyond this nobody but ``admin_users`` may do anything.
c.JupyterHub.load_groups = {learners: {"users": []}, instructors: {"users": [GRADER]}}
group_scopes = [f"{what}!group={name}" for name in (learners, instructors) for what in ("read:users", "list:users")]
c.JupyterHub.load_roles = [
    {
        "name": "instructor",
        "groups": [instructors],
        "scopes": ["access:services!service=formgrader", "access:services!service=staff"],
    },
    {
        "name": "formgrader",
        "services": ["formgrader"],
        # formgrader asks which courses its own user has; that user never signs in, for the roster does not know it.
        "scopes": [
            f"read:users!user={GRADER}",
            "list:groups",
            *group_scopes,
            *(f"{what}!group={name}" for name in (learners, instructors) for what in ("read:groups", "groups")),
        ],
    },
    {
        "name": "culler",
        "services": ["culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    },
    {"name": "roster", "services": ["roster"], "scopes": ["admin:users", "admin:groups", "admin:servers", "proxy"]},
]
c.JupyterHub.log_level = "INFO"
Path(hub.private / "cookie_secret").touch(mode=0o600)
