"""The classroom on JupyterHub: settings, accounts, sign-in, learners' servers."""
