// A relay on npm ws as it is commonly written: what one member of a room sends, all others get.
// usage: node relay.mjs PORT [CERTIFICATE KEY]
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { WebSocket, WebSocketServer } from "ws";

const [port, cert, key] = process.argv.slice(2);
const server = cert
  ? createHttpsServer({ cert: readFileSync(cert), key: readFileSync(key) })
  : createHttpServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
const rooms = new Map();

function join(name, socket) {
  const room = rooms.get(name) ?? new Set();
  rooms.set(name, room.add(socket));
  return room;
}

function leave(name, socket) {
  const room = rooms.get(name);
  room.delete(socket);
  if (room.size === 0) {
    rooms.delete(name);
  }
}

sockets.on("connection", (socket, request) => {
  const name = new URL(request.url, "http://localhost").searchParams.get("room") ?? "";
  const room = join(name, socket);
  socket.on("message", (data, isBinary) => {
    for (const other of room) {
      if (other !== socket && other.readyState === WebSocket.OPEN) {
        other.send(data, { binary: isBinary });
      }
    }
  });
  socket.on("close", () => leave(name, socket));
  socket.on("error", () => socket.terminate());
});

server.listen(Number(port), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
