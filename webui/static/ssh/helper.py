#!/usr/bin/env python3
"""The way of ssh, scp, sftp, rsync and editors into the sandboxes of a FullstackAgent portal.

  helper.py setup ORIGIN LABEL PROJECT   sets this machine up; reads a code of the portal from standard input
  helper.py update                       writes the hosts of all projects anew
  helper.py remove                       takes away all that setup made
  helper.py connect LABEL PROJECT        what ssh itself runs, as its ProxyCommand

Python 3.7 and OpenSSH are enough; nothing is installed. This file belongs in ~/.ssh/fullstackagent. All that it
writes is beside it, but for one Include line at the top of ~/.ssh/config. The access token is in the file `token`,
which nobody else may read: it is in no argument, no address and no output.
"""
import asyncio
import base64
import hashlib
import json
import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
SSH_CONFIG = os.path.join(os.path.dirname(HERE), "config")
MARK = "# FullstackAgent: written by fullstackagent/helper.py, taken out by `helper.py remove`"
INCLUDE = 'Include "%s/*/config"' % HERE

PROTOCOL = "ssh.fullstackagent.dev"
KEY_SECONDS = 600
DIAL_SECONDS = 30
CHUNK = 64 * 1024
LINE_LIMIT = 64 * 1024
CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
PROJECT = re.compile(r"(?:(ns-[a-z0-9]+)~)?([a-z][a-z0-9-]*)")
USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}")
HOST_KEY = re.compile(r"(?:ssh-ed25519|ecdsa-sha2-nistp256) [A-Za-z0-9+/]+={0,2}")


class Trouble(Exception):
    """What is wrong and what to do, for the person."""


class Refused(Trouble):
    """The portal said no."""

    def __init__(self, status, said):
        super().__init__(said)
        self.status = status


class Portal:
    """One portal, as this machine knows it: the folder `<label>` beside this file."""

    def __init__(self, label):
        self.label = label
        self.folder = os.path.join(HERE, label)
        self.origin = ""
        # Of each project the user to sign in as, or None where no connection has told yet.
        self.users = {}

    @classmethod
    def load(cls, label):
        portal = cls(label)
        try:
            with open(portal.path("portal.json"), encoding="utf-8") as file:
                known = json.load(file)
            portal.origin, portal.users = known["origin"], known["users"]
        except (OSError, ValueError, KeyError) as error:
            raise Trouble("%s is not set up on this machine: %s" % (label, error)) from error
        return portal

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def save(self):
        os.makedirs(self.path("known_hosts"), mode=0o700, exist_ok=True)
        write(self.path("portal.json"), json.dumps({"origin": self.origin, "users": self.users}, indent=1) + "\n")
        write(self.path("config"), self.config())

    def host(self, project):
        namespace, name = PROJECT.fullmatch(project).groups()
        return ".".join(part for part in (name, namespace, self.label, "fsa") if part)

    def user(self, project):
        told = [user for user in self.users.values() if user]
        return self.users.get(project) or (told[0] if told else "developer")

    def config(self):
        lines = ["# Written anew by each `helper.py update`."]
        for project in sorted(self.users):
            command = [sys.executable, os.path.join(HERE, "helper.py"), "connect", self.label, project]
            lines += [
                "Host " + self.host(project),
                "  User " + self.user(project),
                "  HostKeyAlias " + self.host(project),
                '  UserKnownHostsFile "%s"' % self.path("known_hosts", project),
                "  ProxyCommand " + " ".join(shlex.quote(word) for word in command).replace("%", "%%"),
            ]
        # No pattern: in a ProxyCommand there is only ever a name that is written here.
        lines += ["Host " + (" ".join(self.host(project) for project in sorted(self.users)) or "none.invalid")]
        lines += ['  IdentityFile "%s"' % self.path(name) for name in ("key-0", "key-1")]
        lines += ["  IdentitiesOnly yes", "  PreferredAuthentications publickey", "  AddKeysToAgent no"]
        lines += ["  StrictHostKeyChecking yes", "  GlobalKnownHostsFile /dev/null", "  UpdateHostKeys no"]
        lines += ["  CheckHostIP no", "  ServerAliveInterval 20", "  ServerAliveCountMax 3"]
        return "\n".join(lines) + "\n"

    def token(self):
        try:
            with open(self.path("token"), encoding="ascii") as file:
                if os.fstat(file.fileno()).st_mode & 0o077:
                    raise Trouble("Others can read the access token. Run: chmod 600 %s" % self.path("token"))
                return file.read().strip()
        except (OSError, ValueError) as error:
            raise Trouble("The access token cannot be read: %s" % error) from error

    def ask(self, method, path, body=None, token=None):
        """A request to the portal's API. Redirections are not followed: a token goes nowhere else."""
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = "Bearer " + token
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.origin + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.build_opener(NoRedirect).open(request, timeout=DIAL_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(error.code, detail(error.code, error.read(LINE_LIMIT))) from error
        except urllib.error.URLError as error:
            raise unreachable(self.origin, error.reason) from error
        except (OSError, ValueError) as error:
            raise unreachable(self.origin, error) from error


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def detail(status, body):
    try:
        said = json.loads(body.decode())["detail"]
        return "".join(character for character in said if character.isprintable())
    except (ValueError, KeyError, TypeError):
        return "The portal, or something before it, answered %d without saying why." % status


def unreachable(origin, error):
    if isinstance(error, ssl.SSLCertVerificationError):
        return Trouble(
            "The certificate of %s is not trusted: %s. Nothing was sent. Where an authority of your own signed it,"
            " name its file in SSL_CERT_FILE." % (origin, error.verify_message)
        )
    return Trouble("%s cannot be reached: %s" % (origin, str(error) or type(error).__name__))


def write(path, text, mode=0o600):
    """A whole file or none, whatever happens in between; what a link points to stays where it is."""
    path = os.path.realpath(path)
    handle, new = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".new-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(new, mode)
        os.replace(new, path)
    except BaseException:
        os.unlink(new)
        raise


# What ssh shows to the server. It reads the files that its configuration names when it starts, before or after this
# program does, so a file must not change under it: there are two, each made anew every other ten minutes, and the
# server is told of both. They open nothing by themselves: the server takes them for this one connection.
def public_keys(folder):
    import fcntl

    now = int(time.time() // KEY_SECONDS)
    found = []
    with open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for slot in (0, 1):
            path = os.path.join(folder, "key-%d" % slot)
            made = int(os.stat(path).st_mtime // KEY_SECONDS) if os.path.exists(path) else None
            if made is None or (slot == now % 2 and made != now):
                make_key(path)
            with open(path + ".pub", encoding="ascii") as file:
                found.append(" ".join(file.read().split()[:2]))
    return found


def renew_old_keys(folder):
    """Those that no connection can have begun with: after a pause both are old, and one had to serve once more."""
    for name in ("key-0", "key-1"):
        path = os.path.join(folder, name)
        if time.time() - os.stat(path).st_mtime > 2 * KEY_SECONDS:
            make_key(path)


def make_key(path):
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as folder:
        new = os.path.join(folder, "key")
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", new]
        try:
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Trouble("ssh-keygen could not make a key: %s" % error) from error
        os.replace(new, path)
        os.replace(new + ".pub", path + ".pub")


# A WebSocket (RFC 6455) by hand: Python's library has none.
def tcp(url, port):
    """Straight, or through the proxy that the environment names."""
    proxies = urllib.request.getproxies()
    named = proxies.get(url.scheme) or proxies.get("all")
    if not named or urllib.request.proxy_bypass(url.hostname):
        return socket.create_connection((url.hostname, port), DIAL_SECONDS)
    proxy = urllib.parse.urlsplit(named if "://" in named else "http://" + named)
    if proxy.scheme != "http" or not proxy.hostname:
        raise Trouble("The proxy %s cannot be used: one that begins with http:// is needed." % proxy.hostname)
    connection = socket.create_connection((proxy.hostname, proxy.port or 80), DIAL_SECONDS)
    lines = ["CONNECT %s:%d HTTP/1.1" % (url.hostname, port), "Host: %s:%d" % (url.hostname, port)]
    if proxy.username:
        pair = "%s:%s" % (urllib.parse.unquote(proxy.username), urllib.parse.unquote(proxy.password or ""))
        lines.append("Proxy-Authorization: Basic " + base64.b64encode(pair.encode()).decode())
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        head += byte
        if not byte or len(head) > LINE_LIMIT:
            raise Trouble("The proxy %s ended the connection." % proxy.hostname)
    if head.split()[1:2] != [b"200"]:
        said = head.split(b"\r\n")[0].decode("ascii", "replace")
        raise Trouble("The proxy %s did not connect: %s" % (proxy.hostname, said))
    return connection


async def dial(portal, path):
    """Both ends of a WebSocket that is open. Throws Refused with what the portal said."""
    url = urllib.parse.urlsplit(portal.origin)
    secure = url.scheme == "https"
    connection = tcp(url, url.port or (443 if secure else 80))
    connection.setblocking(False)
    tls = {"ssl": ssl.create_default_context(), "server_hostname": url.hostname} if secure else {}
    reader, writer = await asyncio.open_connection(sock=connection, limit=4 * CHUNK, **tls)
    nonce = base64.b64encode(os.urandom(16)).decode()
    lines = ["GET %s HTTP/1.1" % path, "Host: " + url.netloc, "Upgrade: websocket", "Connection: Upgrade"]
    lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + nonce, "Sec-WebSocket-Protocol: " + PROTOCOL]
    lines += ["Authorization: Bearer " + portal.token()]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("ascii"))
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split()[1])
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    if status != 101:
        size = min(int(headers.get("content-length") or 0), LINE_LIMIT)
        raise Refused(status, detail(status, await reader.readexactly(size)))
    proof = hashlib.sha1((nonce + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    if headers.get("sec-websocket-accept") != base64.b64encode(proof).decode():
        raise Trouble("What answers at %s is no WebSocket." % portal.origin)
    return reader, writer


def frame(opcode, payload):
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    else:
        length = b"\xff" + size.to_bytes(8, "big") if size > 0xFFFF else b"\xfe" + size.to_bytes(2, "big")
    key = os.urandom(4)
    mask = (key * (size // 4 + 1))[:size]
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")).to_bytes(size, "big")
    return bytes([0x80 | opcode]) + length + key + masked


async def next_frame(reader):
    """Kind and length; the payload is next in the stream."""
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if first & 0x70 or second & 0x80 or (first & 0x08 and size > 125):
        raise Trouble("The portal does not keep to the WebSocket protocol.")
    if size > 125:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    return first & 0x0F, size


async def greeting(reader, writer):
    """The first message: which key the server has."""
    while True:
        opcode, size = await next_frame(reader)
        payload = await reader.readexactly(min(size, LINE_LIMIT))
        if opcode == PING:
            writer.write(frame(PONG, payload))
        elif opcode == CLOSE:
            raise Trouble(payload[2:].decode("utf-8", "replace") or "The connection was closed.")
        elif opcode == TEXT:
            return host_key_in(payload)


async def greeting_in_time(portal, reader, writer):
    try:
        return await asyncio.wait_for(greeting(reader, writer), DIAL_SECONDS)
    except asyncio.TimeoutError as error:
        raise unreachable(portal.origin, "no host key within %d s" % DIAL_SECONDS) from error


def host_key_in(payload):
    try:
        key = json.loads(payload.decode())["hostKey"]
        if HOST_KEY.fullmatch(key):
            return key
    except (ValueError, KeyError, TypeError):
        pass
    raise Trouble("The sandbox has no host key that ssh could check.")


def write_all(data):
    while data:
        data = data[os.write(1, data) :]


async def up(writer):
    """From ssh. Reading waits until what was read has left."""
    loop = asyncio.get_event_loop()
    while True:
        data = await loop.run_in_executor(None, os.read, 0, CHUNK)
        if not data:
            writer.write(frame(CLOSE, (1000).to_bytes(2, "big")))
            await writer.drain()
            return None
        writer.write(frame(BINARY, data))
        await writer.drain()


async def down(reader, writer):
    """To ssh. Answers why there is no more."""
    loop = asyncio.get_event_loop()
    while True:
        opcode, size = await next_frame(reader)
        if opcode in (BINARY, CONTINUED):
            while size > 0:
                data = await reader.readexactly(min(size, CHUNK))
                size -= len(data)
                await loop.run_in_executor(None, write_all, data)
            continue
        payload = await reader.readexactly(min(size, LINE_LIMIT))
        if opcode == PING:
            writer.write(frame(PONG, payload))
        elif opcode == CLOSE:
            code = int.from_bytes(payload[:2], "big") if payload else 1000
            said = "".join(c for c in payload[2:].decode("utf-8", "replace") if c.isprintable())
            return None if code == 1000 else said or "The connection was closed (%d)." % code


async def connect(portal, project):
    query = [("user", portal.user(project))] + [("key", key) for key in public_keys(portal.folder)]
    path = "/api/projects/%s/ssh?%s" % (project, urllib.parse.urlencode(query))
    try:
        reader, writer = await asyncio.wait_for(dial(portal, path), DIAL_SECONDS)
    except asyncio.TimeoutError as error:
        raise unreachable(portal.origin, "no answer within %d s" % DIAL_SECONDS) from error
    except (OSError, asyncio.IncompleteReadError) as error:
        raise unreachable(portal.origin, error) from error
    except (ValueError, IndexError, asyncio.LimitOverrunError) as error:
        raise Trouble("What answers at %s is no portal." % portal.origin) from error
    try:
        key = await greeting_in_time(portal, reader, writer)
        write(portal.path("known_hosts", project), "%s %s\n" % (portal.host(project), key))
        both = [asyncio.ensure_future(way) for way in (up(writer), down(reader, writer))]
        done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        why = [task.result() for task in done if task.result()]
    except (OSError, asyncio.IncompleteReadError) as error:
        raise Trouble("The connection to %s was lost." % portal.origin) from error
    if why:
        raise Trouble(why[0])


def explained(portal, project, refused):
    """What to do about it as well. A user that has changed is put right."""
    page = "%s/projects/%s" % (portal.origin, project)
    if refused.status == 401:
        return "The access token of this machine was revoked or has expired. Set it up again: %s" % page
    if refused.status == 409:
        try:
            user = learn_user(portal, project)
            if user is not None:
                return "The user of this sandbox is %s. ssh's configuration says so now: connect again." % user
        except Trouble:
            pass
    return "%s %s" % (refused, page)


def learn_user(portal, project):
    """The user of a sandbox that runs, where it is another than was known."""
    user = portal.ask("GET", "/api/projects/%s/ssh" % project, token=portal.token()).get("user", "")
    if not USER.fullmatch(user) or portal.users.get(project) == user:
        return None
    portal.users[project] = user
    portal.save()
    return user


def run_connect(label, project):
    portal = Portal.load(label)
    try:
        # Not asyncio.run: at its end it waits for the thread that reads what ssh says.
        asyncio.new_event_loop().run_until_complete(connect(portal, project))
    except Refused as refused:
        raise Trouble(explained(portal, project, refused)) from refused
    finally:
        renew_old_keys(portal.folder)


def update(portal):
    """Every project of one's own; those of others that were set up by name stay."""
    found = portal.ask("GET", "/api/projects", token=portal.token())["projects"]
    own = [project["id"] for project in found if project.get("desiredState") != "Deleted"]
    kept = [project for project in portal.users if "~" in project]
    portal.users = {name: portal.users.get(name) for name in own + kept if PROJECT.fullmatch(name)}
    portal.save()


def setup(origin, label, project):
    if os.path.basename(os.path.dirname(HERE)) != ".ssh" or not re.fullmatch(r"[\w@+=:,./ ~-]+", HERE):
        raise Trouble("This file belongs in ~/.ssh/fullstackagent, and ssh has to be able to read that name: %s" % HERE)
    url = urllib.parse.urlsplit(origin)
    if url.scheme not in ("http", "https") or not url.hostname or url.path or "@" in url.netloc:
        raise Trouble("%s is not the address of a portal." % origin)
    for folder in (os.path.dirname(HERE), HERE):
        os.chmod(folder, 0o700)
    try:
        portal = Portal.load(label)
    except Trouble:
        portal = Portal(label)
    # Its sandboxes would be called like those of the other one, and ssh be led to the wrong portal.
    if portal.origin and urllib.parse.urlsplit(portal.origin).netloc.lower() != url.netloc.lower():
        raise Trouble("%s is %s on this machine already, and not %s. If you do not need it any more: rm -r %s"
                      % (label, portal.origin, origin, shlex.quote(portal.folder)))
    if not portal.origin:
        os.makedirs(portal.folder, mode=0o700, exist_ok=True)
    portal.origin = origin
    code = sys.stdin.readline().strip()
    body = {"code": code, "name": ("ssh on " + socket.gethostname())[:64]}
    write(portal.path("token"), portal.ask("POST", "/api/tokens/codes/redeem", body)["token"] + "\n")
    portal.users.setdefault(project, None)
    update(portal)
    portal.users.setdefault(project, None)
    portal.save()
    try:
        learn_user(portal, project)
    except Refused as refused:
        print("%s It can be connected to when that has changed." % refused, file=sys.stderr)
    public_keys(portal.folder)
    include()
    print("Set up. Connect with: ssh %s" % portal.host(project))
    print("To undo it: python3 %s remove" % shlex.quote(os.path.join(HERE, "helper.py")))


def read_config():
    try:
        with open(SSH_CONFIG, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def include():
    """At the top: further down it would belong to the host above it."""
    before = read_config()
    if INCLUDE not in before.splitlines():
        keep_mode(MARK + "\n" + INCLUDE + "\n\n" + before)


def keep_mode(text):
    mode = os.stat(SSH_CONFIG).st_mode & 0o777 if os.path.exists(SSH_CONFIG) else 0o600
    write(SSH_CONFIG, text, mode)


def remove():
    before = read_config()
    after = before.replace(MARK + "\n" + INCLUDE + "\n\n", "").replace(MARK + "\n" + INCLUDE + "\n", "")
    if after != before:
        keep_mode(after)
    for portal in portals():
        shutil.rmtree(portal.folder)
        print("Gone. The access token still works until you revoke it: %s/settings" % portal.origin)
    os.unlink(os.path.join(HERE, "helper.py"))
    os.rmdir(HERE)


def portals():
    names = [name for name in sorted(os.listdir(HERE)) if os.path.exists(os.path.join(HERE, name, "portal.json"))]
    return [Portal.load(name) for name in names]


def main(words):
    if os.name != "posix" or sys.version_info < (3, 7):
        raise Trouble("Python 3.7 or newer on Linux, macOS or in WSL is needed.")
    command, rest = (words or [""])[0], words[1:]
    if command in ("setup", "connect") and len(rest) == (3 if command == "setup" else 2):
        if not LABEL.fullmatch(rest[-2]) or not PROJECT.fullmatch(rest[-1]):
            raise Trouble("%s %s is not the name of a project." % (rest[-2], rest[-1]))
        (setup if command == "setup" else run_connect)(*rest)
    elif command == "update" and not rest:
        for portal in portals():
            update(portal)
            print("\n".join(portal.host(project) for project in sorted(portal.users)))
    elif command == "remove" and not rest:
        remove()
    else:
        raise Trouble(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
        CODE = 0
    except Trouble as trouble:
        print("fullstackagent: %s" % trouble, file=sys.stderr)
        CODE = 1
    except (BrokenPipeError, KeyboardInterrupt):
        CODE = 1
    except OSError as error:
        print("fullstackagent: %s" % error, file=sys.stderr)
        CODE = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # A thread may still wait for ssh to say something.
    os._exit(CODE)
