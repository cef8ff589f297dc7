"""Why a connection to PostgreSQL failed. Before a session begins there is no code, only words.

They are those of libpq, of the server (in its own language: English or French here) and of
PgBouncer. They may hold a user's name, so that only what is known of them is shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from bridge.errors import StoreError
from bridge.stores.sql.failures import MisconfiguredDatabase, UnreachableDatabase


@dataclass(frozen=True)
class Cause:
    """Why a connection failed.

    Attributes:
        words: a pattern of what is said.
        what: the same for the person who has to mend it.
        remedy: what to do.
        passes: whether it may be over by itself.
    """

    words: str
    what: str
    remedy: str
    passes: bool = False


_CAUSES: Final = (
    # TLS
    Cause(
        r"certificate verify failed",
        "TLS: the server's certificate is not valid today, or no authority that is trusted here "
        "has signed it",
        "name the authority's certificate in store.ca_file, or renew the server's",
    ),
    Cause(
        r"server certificate for .* does not match host name|certificat serveur .* ne correspond",
        "TLS: the server's certificate is for another host",
        "write the host in store.url as the certificate has it",
    ),
    Cause(
        r"root certificate file .* does not exist|could not read root certificate",
        "TLS: there is no file of trusted certificates, or it cannot be read",
        "name one in store.ca_file, or mend sslrootcert in store.url",
    ),
    Cause(
        r"server does not support SSL|SSL required|SSL is not enabled",
        "TLS: the server does not speak it, and store.url or store.ca_file asks for it",
        "switch it on in the server (ssl = on)",
    ),
    Cause(
        r"no encryption$|SSL off|aucun chiffrement|no pg_hba\.conf entry.*no encryption",
        "the server lets nobody in without TLS from here, or not this user (pg_hba.conf)",
        "add ?sslmode=require to store.url, or a line to the server's pg_hba.conf",
    ),
    Cause(
        r"certificate has expired|certificate is not yet valid",
        "TLS: the server's certificate is not valid today",
        "renew it, or set the clock",
    ),
    Cause(
        r"private key file|certificate file|client certificate|certificate required",
        "TLS: the server wants a certificate of the bridge, or ours cannot be used",
        "mend sslcert and sslkey in store.url",
    ),
    # who, and where to
    Cause(
        r"password authentication failed|authentification par mot de passe échouée"
        r"|wrong password|SASL authentication failed|authentification SASL",
        "the password is wrong, or the user does not exist",
        "mend user and password in store.url",
    ),
    Cause(
        r"no password supplied|aucun mot de passe|password.* required",
        "the server asks for a password, and there is none",
        "write it into store.url, or into ~/.pgpass",
    ),
    Cause(
        r"not permitted to log ?in|n'est pas autorisé à se connecter",
        "the role may not log in",
        "ALTER ROLE … LOGIN, or another user in store.url",
    ),
    Cause(
        r"(role|rôle) .* (does not exist|n'existe pas)|no such user",
        "there is no such role",
        "CREATE ROLE … LOGIN, or another user in store.url",
    ),
    Cause(
        r"(database|base de données) .* (does not exist|n'existe pas)|no such database",
        "there is no such database",
        "mend the database's name in store.url, or CREATE DATABASE",
    ),
    Cause(
        r"permission denied for database|droit refusé pour la base",
        "the role may not use this database",
        "GRANT CONNECT ON DATABASE … TO the user of store.url",
    ),
    Cause(
        r"not (currently )?accepting connections|n'accepte (plus|pas) .*connexions",
        "the database takes no connections",
        "ALTER DATABASE … ALLOW_CONNECTIONS true",
    ),
    Cause(
        r"pg_hba",
        "the server lets nobody in from here as this user (pg_hba.conf)",
        "add a line to the server's pg_hba.conf",
    ),
    Cause(
        r"(Ident|Peer|LDAP|GSSAPI|RADIUS|PAM|trust\"?|certificate) authentication failed"
        r"|authentification .*échoué",
        "the server does not believe who we are",
        "mend the user in store.url, or the method in the server's pg_hba.conf",
    ),
    # PgBouncer
    Cause(
        r"unsupported startup parameter",
        "PgBouncer does not take a parameter of store.url",
        "leave it out of store.url, or name it in PgBouncer's ignore_startup_parameters",
    ),
    Cause(
        r"statement pooling",
        "PgBouncer pools statements, and a batch is a transaction",
        "set PgBouncer's pool_mode to transaction or session",
    ),
    # later
    Cause(
        r"too many (clients|connections)|trop de (clients|connexions)|connection slots"
        r"|no more connections allowed|emplacements de connexion",
        "the server, the database or the role has no connection left",
        "raise max_connections or the role's CONNECTION LIMIT, or lower store.connections",
        passes=True,
    ),
    Cause(
        r"starting up|shutting down|recovery mode|not yet accepting|se lance|démarrage"
        r"|arrêt|en cours de restauration",
        "the server is starting, stopping or recovering",
        "wait, or look at its log",
        passes=True,
    ),
    Cause(
        r"Temporary failure in name resolution",
        "the host's name cannot be resolved now",
        "look at this machine's DNS",
        passes=True,
    ),
    Cause(
        r"Name or service not known|failed to resolve host|could not translate host name"
        r"|No address associated|n'a pas pu traduire le nom d'hôte|nodename nor servname",
        "there is no such host",
        "mend the host in store.url, or look at this machine's DNS",
        passes=True,
    ),
    Cause(
        r"Connection refused|Connexion refusée",
        "nobody listens there",
        "is PostgreSQL running there? mend host and port in store.url, or its listen_addresses",
        passes=True,
    ),
    Cause(
        r"No such file or directory|Aucun fichier",
        "there is no such socket",
        "is PostgreSQL running? mend the folder in store.url (host=)",
        passes=True,
    ),
    Cause(
        r"timeout expired|timed out|délai",
        "the server does not answer in time",
        "does a firewall stop it? mend host and port in store.url",
        passes=True,
    ),
    Cause(
        r"No route to host|Network is unreachable",
        "there is no way to the host",
        "look at the network, and at the host in store.url",
        passes=True,
    ),
    Cause(
        r"server login failed|query_wait_timeout|server_login_retry|pgbouncer cannot connect"
        r"|no working server",
        "PgBouncer does not get through to PostgreSQL",
        "look at PgBouncer's log",
        passes=True,
    ),
    Cause(
        r"received invalid response|expected authentication request|server sent an error",
        "what listens there is no PostgreSQL",
        "mend host and port in store.url",
    ),
    Cause(
        r"closed the connection|connection.* (lost|closed)|terminating connection"
        r"|reset by peer|Broken pipe|EOF|a fermé la connexion",
        "the connection was cut",
        "is the server, or a proxy before it, running?",
        passes=True,
    ),
)  # fmt: skip
"""Asked in this order: what is narrow comes before what is wide."""

_QUOTED: Final = re.compile(r"\"[^\"]*\"|'[^']*'|«[^»]*»")


def cause_in_words(said: str) -> Cause | None:
    """Return the cause that is known by these words."""
    return next((cause for cause in _CAUSES if re.search(cause.words, said, re.M)), None)


def connection_failure(error: Any, shown_url: str) -> StoreError:
    """Translate an error that has no code, or whose code does not say enough."""
    said = str(error)
    name = f"{type(error).__name__} {getattr(error, 'sqlstate', None) or ''}".strip()
    cause = cause_in_words(said)
    if cause is None:
        lines = said.strip().splitlines() or ["no reason given"]
        shown = _QUOTED.sub("…", lines[0])[:200]  # what is quoted may be a user's name
        return UnreachableDatabase(
            f"{shown_url}: cannot be reached: {shown} ({name})", "look at the server's log"
        )
    kind = UnreachableDatabase if cause.passes else MisconfiguredDatabase
    return kind(f"{shown_url}: {cause.what} ({name})", cause.remedy)
