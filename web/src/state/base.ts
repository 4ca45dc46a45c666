// Where on its host the page is: `/`, or `/chat/` behind a proxy that serves it there. Nothing sets it: the server
// serves the page at this path and one level below, as `/chat/tech`, so the address says it.

export const base = new URL('.', location.href).pathname;

/** Before each key of the browser's storage: two chats of one host keep theirs apart. */
export const STORAGE_PREFIX = `hubbub.${base.slice(1)}`;
