// One message: who, when, what, and for own ones whether it is sent.

import type { Outgoing } from '../../client/src/index.js';
import { fullTime, type Key, t, time } from '../i18n';
import type { MessageEntry } from '../log/timeline';
import type { Store } from '../state/store';
import { links, shortened } from '../text/links';
import { initials } from '../text/plain';
import { seconds, useNow } from './context';
import { copyText } from './copy';
import { flash } from './Flash';
import { Icon } from './icons';
import { Text } from './Text';
import { hueOf, label } from './who';

const REASONS: Record<string, Key> = {
  timeout: 'failTimeout',
  unconfirmed: 'failUnconfirmed',
  text_too_long: 'failLong',
  invalid_text: 'failInvalid',
  muted: 'failMuted',
  rate_limited: 'failBusy',
  busy: 'failBusy',
  unavailable: 'failBusy',
  conflict: 'failConflict',
};

function Status({ item, store }: { item: Outgoing; store: Store }) {
  const now = useNow(item.state === 'waiting');
  if (item.state === 'failed') {
    const reason = t(REASONS[item.failure?.code ?? ''] ?? 'failOther');
    return (
      // biome-ignore lint/a11y/useSemanticElements: a fieldset would be a form where there is none
      <div class="status failed" role="group" aria-label={t('notSentFrom', { text: item.text.slice(0, 80) })}>
        <span role="alert">
          {t('notSent')}: {reason}
        </span>
        <button type="button" onClick={() => store.composer.retry(item.clientId)}>
          {t('retry')}
        </button>
        <button type="button" onClick={() => store.composer.discard(item.clientId)}>
          {t('discard')}
        </button>
      </div>
    );
  }
  if (item.state === 'waiting') {
    const limited = item.failure?.code === 'rate_limited';
    const text = limited ? t('tooFast', { n: seconds(item.retryAt ?? 0, now) }) : t('busyWait');
    return <div class="status">{text}</div>;
  }
  return item.state === 'sent' ? null : <div class="status late">{t('sending')}</div>;
}

interface Action {
  label: string;
  run: () => unknown;
}

/** What the menu of a message offers. */
export function actions({
  entry,
  item,
  store,
  tag,
}: Omit<MessageProps, 'head' | 'me' | 'menu' | 'onMenu'>): Action[] {
  const copy = {
    label: t('copy'),
    run: async () => flash(t((await copyText(entry.text)) ? 'copied' : 'copyFailed')),
  };
  const mention = {
    label: t('mentionPerson', { name: label(entry.sender, tag) }),
    run: () => {
      store.composer.insert.value = { text: `@${entry.sender} `, replace: false };
    },
  };
  const opened = links(entry.text).map(({ href }) => ({
    label: t('openLink', { link: shortened(href) }),
    run: () => void window.open(href, '_blank', 'noopener,noreferrer'),
  }));
  const failed = item?.state === 'failed' ? item.clientId : null;
  const again = failed && [
    { label: t('retry'), run: () => store.composer.retry(failed) },
    { label: t('discard'), run: () => store.composer.discard(failed) },
  ];
  return [copy, ...(entry.own ? [] : [mention]), ...opened.slice(0, 4), ...(again || [])];
}

function Menu(props: MessageProps) {
  const choose = (action: Action) => {
    action.run();
    props.onMenu(null);
  };
  const move = (event: KeyboardEvent) => {
    const items = [...(event.currentTarget as HTMLElement).querySelectorAll('button')];
    const at = items.indexOf(document.activeElement as HTMLButtonElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) items.at((at + step) % items.length)?.focus();
    if (event.key === 'Escape' || event.key === 'Tab') props.onMenu(null);
    if (step || event.key === 'Escape') event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="menu" role="menu" aria-label={t('actions')} onKeyDown={move}>
      {actions(props).map((action, i) => (
        <button
          key={action.label}
          type="button"
          role="menuitem"
          ref={i === 0 ? focusOnce : null}
          onClick={() => choose(action)}
        >
          {action.label}
        </button>
      ))}
    </div>
  );
}

const focusOnce = (element: HTMLElement | null) => element?.focus();

export interface MessageProps {
  entry: MessageEntry;
  head: boolean;
  item: Outgoing | null;
  me: string;
  /** Sets the author apart from others whose names look alike. */
  tag: string;
  menu: boolean;
  onMenu: (key: string | null) => void;
  store: Store;
}

export function Message(props: MessageProps) {
  const { entry, head, item, me, tag, menu, onMenu } = props;
  const state = item && item.state !== 'sent' ? ` ${item.state}` : '';
  const classes = `m${head ? ' head' : ''}${entry.own ? ' own' : ''}${entry.mention ? ' mentioned' : ''}${state}`;
  const stamp = (
    <time dateTime={new Date(entry.at).toISOString()} title={fullTime(entry.at)}>
      {time(entry.at)}
    </time>
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
          {stamp}
        </span>
      )}
      <div class="body">
        {head && (
          <div class="who">
            <bdi class="name">{entry.sender}</bdi>
            {tag && <span class="tag">{tag}</span>}
            {entry.own && <span class="you">{t('you')}</span>}
            {entry.bot && <span class="tag">{t('bot')}</span>}
            {stamp}
          </div>
        )}
        <Text text={entry.text} me={me} />
        {item && <Status item={item} store={props.store} />}
      </div>
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
      {menu && <Menu {...props} />}
    </li>
  );
}
