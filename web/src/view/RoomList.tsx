// The rooms, in the server's order.

import { number, t } from '../i18n';
import type { Count } from '../log/unread';
import { dialog, useStore } from './context';

const BADGE_MAX = 99;
const NOTHING: Count = { count: 0, mentions: 0 };

/** How many there are, where the room is open in some tab; otherwise only that there are some. */
function Badge({ news, some }: { news: Count; some: boolean }) {
  if (news.count === 0) {
    return some ? (
      <>
        <i class="dot on" />
        <span class="vh">{t('unread')}</span>
      </>
    ) : null;
  }
  return (
    <span class={news.mentions > 0 ? 'badge mention' : 'badge'}>
      <span aria-hidden="true">{news.count > BADGE_MAX ? `${number(BADGE_MAX)}+` : number(news.count)}</span>
      <span class="vh">
        {t('unreadIn', { n: news.count })}
        {news.mentions > 0 && `, ${t('mentionedYou')}`}
      </span>
    </span>
  );
}

export function RoomList() {
  const store = useStore();
  const here = store.room.name.value;
  const elsewhere = store.room.unread.elsewhere.value;
  return (
    <ul class="rooms">
      {store.connection.rooms.value.map(({ name, count }) => {
        const open = name === here;
        const news = open ? store.room.unread.here.value : (elsewhere[name] ?? NOTHING);
        const waits = !open && (news.count > 0 || store.room.unread.waits(name));
        return (
          <li key={name}>
            <button
              type="button"
              aria-current={open ? 'page' : undefined}
              onClick={() => {
                dialog.value = null;
                if (!open) store.signIn.enter(name);
              }}
            >
              <span class="hash" aria-hidden="true">
                #
              </span>
              <bdi class="label">{waits ? <b>{name}</b> : name}</bdi>
              <Badge news={news} some={waits} />
              <span class={count > 0 ? 'count live' : 'count'}>
                <span aria-hidden="true">{number(count)}</span>
                <span class="vh">{t('online', { n: count })}</span>
              </span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}
