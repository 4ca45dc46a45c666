// What a scroll position means for the log: whether the reader is at the end, and when more rows are needed.

const END_PX = 48;
/** This far from the edge of what is in the page, more is brought in. */
const MORE_PX = 400;

interface Scrolled {
  scrollTop: number;
  scrollHeight: number;
  clientHeight: number;
}

export function positionIn({ scrollTop, scrollHeight, clientHeight }: Scrolled) {
  const below = scrollHeight - scrollTop - clientHeight;
  return { atEnd: below < END_PX, nearEnd: below < MORE_PX, nearStart: scrollTop < MORE_PX };
}

/** Index of the first of `count` rows that ends below `top`; they lie in order, and only a few are measured. */
export function firstBelow(top: number, count: number, bottomOf: (index: number) => number): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bottomOf(middle) <= top) low = middle + 1;
    else high = middle;
  }
  return low;
}
