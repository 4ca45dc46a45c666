// Idempotency keys. `crypto.randomUUID` is missing on plain http addresses, where a chat in an office may well run.

export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(15));
  return Array.from(bytes, (byte) => byte.toString(36).padStart(2, '0')).join('');
}
