// The rooms, in the server's order.

import { number, t } from '../i18n';
import type { Count } from '../state/unread';
import { dialog, useStore } from './context';

const BADGE_MAX = 99;

function Badge({ news }: { news: Count }) {
  if (news.count === 0) return null;
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
  const here = store.room.value;
  const elsewhere = store.unread.elsewhere.value;
  return (
    <ul class="rooms">
      {store.rooms.value.map(({ name, count }) => {
        const news = name === here ? store.unread.here.value : (elsewhere[name] ?? { count: 0, mentions: 0 });
        return (
          <li key={name}>
            <button
              type="button"
              aria-current={name === here ? 'page' : undefined}
              onClick={() => {
                dialog.value = null;
                if (name !== here) store.enter(name);
              }}
            >
              <span class="hash" aria-hidden="true">
                #
              </span>
              <bdi class="label">{name}</bdi>
              <Badge news={news} />
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
