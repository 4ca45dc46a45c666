// One message: who, when, what, and for own ones whether it is sent.

import type { ComponentChildren } from 'preact';
import { fullTime, t, time } from '../i18n';
import type { MessageEntry } from '../log/timeline';
import type { Editing } from '../state/changes';
import type { Store } from '../state/store';
import { initials } from '../text/plain';
import { actions, type Shown } from './actions';
import { Editor } from './Editor';
import { Icon } from './icons';
import { Menu } from './Menu';
import { Quote } from './Quote';
import { Reactions } from './Reactions';
import { canReact, QUICK, toggle } from './reacting';
import { Shield } from './Shield';
import { Status } from './Status';
import { Text } from './Text';
import { hueOf, label } from './who';

const Time = ({ at }: { at: number }) => (
  <time dateTime={new Date(at).toISOString()} title={fullTime(at)}>
    {time(at)}
  </time>
);

/** Quick reactions in the bar. */
const IN_BAR = 3;

/** The bar over a message that the mouse is on: what is wanted most often. */
function Bar({ shown, store, children }: { shown: Shown; store: Store; children: ComponentChildren }) {
  return (
    <div class="bar">
      {canReact(store, shown.entry) &&
        QUICK.slice(0, IN_BAR).map((emoji) => (
          <button
            key={emoji}
            type="button"
            tabIndex={-1}
            aria-label={t('reactWith', { emoji })}
            onClick={() => toggle(store, shown.entry, emoji)}
          >
            {emoji}
          </button>
        ))}
      {actions(shown, store).map(
        ({ icon, label, run }) =>
          icon && (
            <button
              key={icon}
              type="button"
              tabIndex={-1}
              aria-label={label}
              title={label}
              onClick={() => run(false)}
            >
              <Icon name={icon} />
            </button>
          ),
      )}
      {children}
    </div>
  );
}

function Said({ entry, me, editing }: { entry: MessageEntry; me: string; editing: Editing | null }) {
  if (entry.deleted) return <p class="gone">{t('deleted')}</p>;
  if (editing) return <Editor editing={editing} />;
  return (
    <>
      <Text text={entry.text} me={me} />
      {entry.editedAt !== null && (
        <span class="edited" title={fullTime(entry.editedAt)}>
          {t('edited')}
          <span class="vh"> {time(entry.editedAt)}</span>
        </span>
      )}
    </>
  );
}

export interface MessageProps extends Shown {
  head: boolean;
  me: string;
  menu: boolean;
  onMenu: (key: string | null) => void;
  store: Store;
  /** The mouse is on it. */
  hovered: boolean;
  editing: Editing | null;
  pinned: boolean;
  /** The message that it answers, if that is in the log. */
  answered: MessageEntry | null;
  /** The reader was led to it. */
  marked: boolean;
}

export function Message(props: MessageProps) {
  const { entry, head, item, me, tag, menu, onMenu, store, hovered, editing, pinned, marked, answered } =
    props;
  const state = item && item.state !== 'sent' ? ` ${item.state}` : '';
  const classes = `m${head ? ' head' : ''}${entry.own ? ' own' : ''}${entry.mention || (!entry.own && answered?.own) ? ' mentioned' : ''}${marked ? ' marked' : ''}${state}`;
  const shown = { entry, item, tag };
  const close = () => onMenu(null);
  const more = (
    <button
      type="button"
      class="more"
      tabIndex={-1}
      aria-label={t('actions')}
      aria-haspopup="menu"
      aria-expanded={menu}
      onClick={() => onMenu(menu ? null : entry.key)}
    >
      <Icon name="more" />
    </button>
  );
  return (
    <li
      class={classes}
      tabIndex={-1}
      data-key={entry.key}
      style={{ '--hue': hueOf(entry.userId, entry.sender) }}
    >
      {head ? (
        <span class="disc" aria-hidden="true">
          {initials(entry.sender)}
        </span>
      ) : (
        <span class="gutter">
          <span class="vh">{label(entry.sender, tag)}, </span>
          <Time at={entry.at} />
        </span>
      )}
      <div class="body">
        {head && (
          <div class="who">
            <bdi class="name">{entry.sender}</bdi>
            {tag && <span class="tag">{tag}</span>}
            {entry.own && store.changes.moderates && <Shield />}
            {entry.own && <span class="you">{t('you')}</span>}
            {entry.bot && <span class="tag">{t('bot')}</span>}
            <Time at={entry.at} />
          </div>
        )}
        {entry.replyTo !== null && <Quote store={store} id={entry.replyTo} entry={answered} />}
        {pinned && (
          <span class="pin">
            <Icon name="pin" /> {t('isPinned')}
          </span>
        )}
        <Said {...{ entry, me, editing }} />
        <Reactions store={store} entry={entry} />
        {item && <Status item={item} store={store} />}
      </div>
      {!editing &&
        !entry.deleted &&
        (hovered ? (
          <Bar shown={shown} store={store}>
            {more}
          </Bar>
        ) : (
          <div class="bar">{more}</div>
        ))}
      {menu && <Menu shown={shown} store={store} close={close} />}
    </li>
  );
}
