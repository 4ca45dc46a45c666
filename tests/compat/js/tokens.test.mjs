// The stock client where the server requires tokens, and where a token expires while it is connected.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { Client, MODES, runningServer, Server } from "./support.mjs";

const SECRET = "a secret of another service, 32 bytes";

// A JWT as another service signs it, with node's own cryptography.
function jwt(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const content = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${content}.${createHmac("sha256", SECRET).update(content).digest("base64url")}`;
}

const nowS = () => Math.floor(Date.now() / 1000);

// Only a server of the suite's own has these settings.
describe("tokens", { skip: runningServer !== undefined && runningServer !== "" }, () => {
  let server;
  before(async () => {
    server = await Server.start({ AUTH: "required", JWT_SECRET: SECRET });
  });
  after(async () => await server.stop());

  for (const [mode, options] of Object.entries(MODES)) {
    describe(mode, () => {
      test("a client without a token learns why, and does not try again", async () => {
        const cases = [
          [{}, "unauthorized"],
          [{ token: "no token" }, "unauthorized"],
          [{ token: jwt({ sub: "ada", exp: nowS() - 1 }) }, "expired"],
        ];
        for (const [auth, code] of cases) {
          const ada = new Client(server.url, { ...options, auth, reconnection: true });
          const error = await ada.next("#connect_error");
          assert.deepEqual(error.data, { code });
          assert.match(error.message, /token/);
          assert.equal(ada.socket.active, false);
          ada.socket.close();
        }
      });

      test("a client whose token expires comes back with the next one, as the same user", async () => {
        const lives = [3, 1000];
        const auth = (give) => {
          give({ token: jwt({ sub: `ada-${mode}`, iat: nowS() - 1000, exp: nowS() + (lives.shift() ?? 1000) }) });
        };
        const ada = new Client(server.url, { ...options, auth, reconnection: true, reconnectionDelay: 50 });
        const { user_id } = await ada.next("session");
        await ada.join("tech", "Ada");
        assert.ok((await ada.next("token_expiring")).expires_in_ms <= 3000);
        assert.equal((await ada.next("error")).code, "token_expired");
        await ada.next("#disconnect");
        const session = await ada.next("session");
        assert.deepEqual([session.user_id, session.code], [user_id, undefined]);
        await ada.join("tech", "Ada");
        ada.close();
      });
    });
  }
});
