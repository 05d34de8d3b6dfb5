"""As much of systemd as a restart needs: it holds the listening socket and the store of descriptors,
hands both to each process that it starts, and takes what sd_notify(3) sends.

Started with the path of its own socket for that. Each line on the standard input is a command, each
line on the standard output an event, both JSON:
  {"start": [argv]}  {"signal": number}
  {"manners": {"deaf": bool, "slow": s}}  whether FDSTOREREMOVE is not heard, and how long BARRIER takes
  {"port": n}  {"notify": text, "fds": n}  {"exit": status, "stored": n}
"""
import fcntl
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time

MOST = 4  # FileDescriptorStoreMax=
HIGH = 100

selector = selectors.DefaultSelector()
listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
told.bind(sys.argv[1])
store = []  # (name, descriptor)
child = None
manners = {"deaf": False, "slow": 0}


def say(**event):
    print(json.dumps(event), flush=True)


def start(argv):
    global child
    names = ["web"] + [name for name, _ in store]
    passed = [listening.fileno()] + [fd for _, fd in store]

    def arrange():
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, HIGH) for fd in passed]
        for number, fd in enumerate(high):
            os.dup2(fd, 3 + number, inheritable=True)
            os.close(fd)

    environment = dict(os.environ, NOTIFY_SOCKET=sys.argv[1], LISTEN_FDS=str(len(passed)), LISTEN_FDNAMES=":".join(names))
    child = subprocess.Popen(["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", *argv], env=environment,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, close_fds=False, preexec_fn=arrange)
    selector.register(os.pidfd_open(child.pid), selectors.EVENT_READ, ended)


def ended(pidfd):
    global child
    selector.unregister(pidfd)
    os.close(pidfd)
    status, child = child.wait(), None
    hear_all()
    say(exit=status, stored=len(store))


def command(stdin):
    line = os.read(stdin, 65536)
    if not line:
        sys.exit()
    for each in line.splitlines():
        what = json.loads(each)
        if "start" in what:
            start(what["start"])
        elif "manners" in what:
            manners.update(what["manners"])
        elif child:
            child.send_signal(what["signal"])


def hear(fd):
    data, fds, _, _ = socket.recv_fds(told, 4096, 8)
    text = data.decode()
    lines = dict(line.split("=", 1) for line in text.split("\n"))
    if "FDSTORE" in lines and len(store) + len(fds) <= MOST:
        store.extend((lines["FDNAME"], each) for each in fds)
    else:
        if "BARRIER" in lines:
            time.sleep(manners["slow"])
        for each in fds:  # of BARRIER=1 too, which is what it waits for
            os.close(each)
    if "FDSTOREREMOVE" in lines and not manners["deaf"]:
        for each in [entry for entry in store if entry[0] == lines["FDNAME"]]:
            os.close(each[1])
            store.remove(each)
    say(notify=text, fds=len(fds))


def hear_all():
    told.setblocking(False)
    try:
        while True:
            hear(told)
    except BlockingIOError:
        told.setblocking(True)


selector.register(sys.stdin.fileno(), selectors.EVENT_READ, command)
selector.register(told, selectors.EVENT_READ, hear)
say(port=listening.getsockname()[1])
try:
    while True:
        for key, _ in selector.select():
            key.data(key.fileobj)
finally:
    if child:
        child.kill()
