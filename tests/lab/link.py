# SPDX-License-Identifier: MIT
"""A TCP connection that can be cut: a relay in front of a server."""

import selectors
import socket
import threading


class Link:
    """127.0.0.1:port -> 127.0.0.1:to.  cut(): nothing gets through, and
    nobody is told, as when a cable is pulled; heal(): what was connected is
    reset, and new connections work."""

    def __init__(self, port, to):
        self.port, self.to = port, to
        self.lock = threading.Lock()
        self.is_cut = False
        self.sockets = set()
        self.listener = socket.create_server(("127.0.0.1", port),
                                             backlog=128)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.relay, args=(client,),
                             daemon=True).start()

    def relay(self, client):
        server = None
        with self.lock:
            self.sockets.add(client)
        try:
            if not self.is_cut:
                server = socket.create_connection(("127.0.0.1", self.to), 5)
                with self.lock:
                    self.sockets.add(server)
            self.copy(client, server)
        except OSError:
            pass
        finally:
            for s in (client, server):
                if s is not None:
                    with self.lock:
                        self.sockets.discard(s)
                    s.close()

    def copy(self, client, server):
        if server is None:          # it stays open, and nothing answers
            while client.recv(65536):
                pass
            return
        sel = selectors.DefaultSelector()
        sel.register(client, selectors.EVENT_READ, server)
        sel.register(server, selectors.EVENT_READ, client)
        with sel:
            while True:
                for key, _ in sel.select():
                    data = key.fileobj.recv(65536)
                    if not data:
                        return
                    if not self.is_cut:
                        key.data.sendall(data)

    def cut(self):
        self.is_cut = True

    def heal(self):
        self.is_cut = False
        with self.lock:
            for s in self.sockets:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def stop(self):
        self.listener.close()
        self.heal()
