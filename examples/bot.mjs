// A bot that answers `!ping`, also what was asked while it was away, and each once.
//
//   npm install socket.io-client
//   node bot.mjs http://127.0.0.1:5000 general Pingbot
import { io } from "socket.io-client";

const [url = "http://127.0.0.1:5000", room = "general", username = "Pingbot"] = process.argv.slice(2);
let token = null; // Proves to the next connection that we are the same user.
let userId;
let after; // The newest message we know: { epoch, id }.
const unanswered = new Map(); // Id to what answers it, until the server has acknowledged that.

const socket = io(url, { auth: (send) => send({ token }) });

socket.on("session", (session) => {
  token = session.token;
  userId = session.user_id;
  // `after` asks for everything that was missed; it follows as ordinary messages.
  socket.emit("join_room", { room_name: room, username, after }, (answer) => {
    if (!answer.ok) return console.error(answer.error.message);
    if (!answer.recovered) after = { epoch: answer.epoch, id: answer.last_id };
    console.log(`${answer.username} is in ${answer.room}`);
    for (const id of unanswered.keys()) reply(id);
  });
});

socket.on("receive_message", ({ id, user_id, sender, text }) => {
  after.id = id;
  if (user_id === userId || text.trim() !== "!ping") return;
  // The server stores a message with this client_id once, however often it is sent.
  unanswered.set(id, { text: `pong, ${sender}`, client_id: `pong-${after.epoch}-${id}` });
  reply(id);
});

function reply(id) {
  const message = unanswered.get(id);
  if (!message || !socket.connected) return; // Sent after the next join.
  socket.emit("send_message", message, ({ ok, error }) => {
    if (ok || !error.retry_after_ms) unanswered.delete(id);
    else setTimeout(reply, error.retry_after_ms, id);
  });
}

socket.on("gap", ({ epoch, from, to }) => {
  console.error(`messages ${from} to ${to} are lost`);
  if (epoch) after = { epoch, id: to };
});
socket.on("disconnect", (reason) => console.log(`disconnected: ${reason}`));
