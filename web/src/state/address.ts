// Which room an address names, and the address of a room. Pure, so that every odd address can be tested.

/** Among `names` the one that is meant: as it is written, else whatever its case. */
export function meant(names: readonly string[], asked: string): string | null {
  const folded = asked.toLowerCase();
  return names.find((name) => name === asked) ?? names.find((name) => name.toLowerCase() === folded) ?? null;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // No encoding of anything: then it is what it says.
    return text;
  }
}

/**
 * The room in `pathname`, where the page is at `base`; null where none is named. `/tech/`, `/Tech` and `/%74ech` are
 * `/tech`. A room that is not among `names` stays as it is written.
 */
export function roomIn(pathname: string, base: string, names: readonly string[]): string | null {
  const rest = pathname.startsWith(base) ? pathname.slice(base.length) : pathname;
  const asked = decoded(rest)
    .replace(/^\/+|\/+$/g, '')
    .trim();
  return asked === '' ? null : (meant(names, asked) ?? asked);
}

export const addressOf = (room: string | null, base: string) =>
  base + (room === null ? '' : encodeURIComponent(room));
