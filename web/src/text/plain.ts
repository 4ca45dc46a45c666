// Text as text: what cannot be seen is shown, what is counted is counted as people count it.

const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]/gu;

/** Control characters become visible, so that nothing hides in a name or a message. */
export function visible(text: string): string {
  return text.replace(CONTROL, '\ufffd');
}

const segmenter = new Intl.Segmenter();

/** Characters as a reader counts them; cheap for what is surely short. */
export function graphemes(text: string): number {
  let count = 0;
  for (const _ of segmenter.segment(text)) count += 1;
  return count;
}

/** One or two letters for a name's disc. */
export function initials(name: string): string {
  const words = name
    .trim()
    .split(/[\s._-]+/u)
    .filter(Boolean);
  const first = (word: string | undefined) =>
    word ? (segmenter.segment(word)[Symbol.iterator]().next().value?.segment ?? '') : '';
  const [one, two] = [first(words[0]), words.length > 1 ? first(words.at(-1)) : ''];
  return (one + two).toLocaleUpperCase();
}

/** A hue for a name: always the same, and spread over the circle. */
export function hue(name: string): number {
  let hash = 2166136261;
  for (let i = 0; i < name.length; i += 1) hash = Math.imul(hash ^ name.charCodeAt(i), 16777619);
  return ((hash >>> 0) % 24) * 15;
}
