// A message's text as elements: never HTML, always text nodes.

import { useState } from 'preact/hooks';
import { t } from '../i18n';
import { type Part, parse } from '../text/marks';

const LINES_MAX = 12;
const LENGTH_MAX = 1200;
/** More than this is not seen of a folded text, and not made into elements. */
const FOLDED_MAX = 4000;

function Piece({ part }: { part: Part }) {
  switch (part.kind) {
    case 'link':
      return (
        // Always from left to right, and apart from what is around it: the host is what comes first.
        <a href={part.href} dir="ltr" target="_blank" rel="noopener noreferrer nofollow" tabIndex={-1}>
          {part.text}
          {part.host && <span class="host"> ({part.host})</span>}
        </a>
      );
    case 'code':
      return <code>{part.text}</code>;
    case 'block':
      return (
        <pre>
          <code>{part.text}</code>
        </pre>
      );
    case 'bold':
      return <strong>{part.text}</strong>;
    case 'italic':
      return <em>{part.text}</em>;
    case 'mention':
      return <mark>{part.text}</mark>;
    default:
      return <>{part.text}</>;
  }
}

export function Text({ text, me }: { text: string; me: string }) {
  const long = text.length > LENGTH_MAX || text.split('\n', LINES_MAX + 1).length > LINES_MAX;
  const [open, setOpen] = useState(false);
  // No pair of surrogates is cut in two.
  const shown = long && !open ? text.slice(0, FOLDED_MAX).replace(/[\ud800-\udbff]$/, '') : text;
  return (
    <>
      <div class={long && !open ? 'text folded' : 'text'} dir="auto">
        {parse(shown, me).map((part, i) => (
          <Piece key={i} part={part} />
        ))}
      </div>
      {long && (
        <button type="button" class="link" aria-expanded={open} onClick={() => setOpen(!open)}>
          {t(open ? 'showLess' : 'showMore')}
        </button>
      )}
    </>
  );
}
