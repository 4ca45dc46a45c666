/** The text of protocol.ts, made from the server's types. */
export function generate(): string;
