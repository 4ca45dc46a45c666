// Who is addressed by @name.

/** Finds @`name` as a whole word, whatever the case. */
export function mentionPattern(name: string): RegExp {
  const literal = name.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  return new RegExp(`(?<![\\p{L}\\p{N}_])@${literal}(?![\\p{L}\\p{N}_])`, 'giu');
}

export function mentions(text: string, name: string): boolean {
  return name !== '' && text.includes('@') && mentionPattern(name).test(text);
}
