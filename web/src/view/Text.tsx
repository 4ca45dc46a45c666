// A message's text as elements: never HTML, always text nodes.

import { useState } from 'preact/hooks';
import { t } from '../i18n';
import { type Block, isEmojiOnly, type Part, parse } from '../text/marks';

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
    case 'bold':
      return (
        <strong>
          <Pieces parts={part.parts} />
        </strong>
      );
    case 'italic':
      return (
        <em>
          <Pieces parts={part.parts} />
        </em>
      );
    case 'strike':
      return (
        <s>
          <Pieces parts={part.parts} />
        </s>
      );
    case 'mention':
      return <mark>{part.text}</mark>;
    default:
      return <>{part.text}</>;
  }
}

function Pieces({ parts }: { parts: readonly Part[] }) {
  return (
    <>
      {parts.map((part, i) => (
        <Piece key={i} part={part} />
      ))}
    </>
  );
}

function Shown({ block }: { block: Block }) {
  switch (block.kind) {
    case 'code':
      return (
        <pre>
          <code>{block.text}</code>
        </pre>
      );
    case 'quote':
      return (
        <blockquote>
          <Pieces parts={block.parts} />
        </blockquote>
      );
    case 'list':
      return (
        <ul>
          {block.items.map(({ mark, parts }, i) => (
            <li key={i}>
              <span class="bullet">{mark} </span>
              <span>
                <Pieces parts={parts} />
              </span>
            </li>
          ))}
        </ul>
      );
    default:
      return <Pieces parts={block.parts} />;
  }
}

export function Text({ text, me }: { text: string; me: string }) {
  const long = text.length > LENGTH_MAX || text.split('\n', LINES_MAX + 1).length > LINES_MAX;
  const [open, setOpen] = useState(false);
  // No pair of surrogates is cut in two.
  const shown = long && !open ? text.slice(0, FOLDED_MAX).replace(/[\ud800-\udbff]$/, '') : text;
  const lines = text.includes('\n') || /^(?:>|[-*•] |\d+[.)] )/.test(text);
  const classes = `text${long && !open ? ' folded' : ''}${lines ? ' lines' : ''}${isEmojiOnly(text) ? ' large' : ''}`;
  return (
    <>
      <div class={classes} dir="auto">
        {parse(shown, me).map((block, i) => (
          <Shown key={i} block={block} />
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
