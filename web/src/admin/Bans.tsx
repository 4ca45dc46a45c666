// Bans, banned networks and mutes that hold.

import { useState } from 'preact/hooks';
import { Act, type ActionName, type Target } from './Act';
import { Confirm, Dialog } from './Dialog';
import { attempt } from './flash';
import { left } from './format';
import { useList } from './hooks';
import { Field, Heading, Listed, Time, Who } from './parts';
import { api, session } from './session';
import type { Ban } from './types';

const PAGE = 100;
const KINDS = { ban: 'Ban', banned_network: 'Network', mute: 'Mute' } as const;

export function Bans() {
  const [only, setOnly] = useState<'bans' | 'mutes'>('bans');
  const [lifting, setLifting] = useState<Ban | null>(null);
  const [adding, setAdding] = useState(false);
  const [target, setTarget] = useState<Target | null>(null);
  const list = useList<Ban>(async (last) => {
    const query = { after: last?.key, limit: PAGE };
    const page = await api().get<{ bans?: Ban[]; mutes?: Ban[]; more: boolean }>(only, query);
    return { items: page.bans ?? page.mutes ?? [], more: page.more };
  }, only);
  const lift = async (ban: Ban) => {
    setLifting(null);
    const action = ban.kind === 'mute' ? 'unmute' : 'unban';
    const done = `${ban.username ?? ban.user_id} ${ban.kind === 'mute' ? 'may write again.' : 'may come back.'}`;
    if (await attempt(() => api().post('moderation', { action, user_id: ban.user_id }), done))
      await list.load();
  };
  const mayAct = session.value?.me.rooms === undefined;
  return (
    <>
      <Heading note="They hold in all rooms, for as long as they say.">Bans and mutes</Heading>
      <div class="filters">
        <Field label="Show">
          {(ids) => (
            <select
              {...ids}
              value={only}
              onChange={(event) => setOnly(event.currentTarget.value as typeof only)}
            >
              <option value="bans">Bans and mutes</option>
              <option value="mutes">Mutes only</option>
            </select>
          )}
        </Field>
        {mayAct && (
          <button type="button" onClick={() => setAdding(true)}>
            Ban or mute by id
          </button>
        )}
      </div>
      <Listed
        list={list}
        caption="Bans and mutes"
        columns={['Kind', 'Who', 'Reason', 'By', 'Since', 'Until', 'Actions']}
        empty="Nobody is banned or muted."
        row={(ban) => (
          <tr key={ban.key}>
            <td>
              <span class={ban.kind === 'mute' ? 'badge' : 'badge warn'}>{KINDS[ban.kind]}</span>
            </td>
            <th scope="row">
              <Who name={ban.username} id={ban.user_id} />
              {ban.network && <code>{ban.network}</code>}
            </th>
            <td class="long" dir="auto">
              {ban.reason ?? <span class="quiet">None given</span>}
            </td>
            <td>
              <Who id={ban.by} />
            </td>
            <td>
              <Time at={ban.at} />
            </td>
            <td>
              {ban.until ? (
                <>
                  <Time at={ban.until} /> <span class="quiet">{left(ban.until)}</span>
                </>
              ) : (
                'No end'
              )}
            </td>
            <td class="actions">
              {mayAct && ban.user_id && (
                <button
                  type="button"
                  class="small"
                  aria-label={`${ban.kind === 'mute' ? 'Unmute' : 'Unban'} ${ban.username ?? ban.user_id}`}
                  onClick={() => setLifting(ban)}
                >
                  {ban.kind === 'mute' ? 'Unmute' : 'Unban'}
                </button>
              )}
            </td>
          </tr>
        )}
      />
      {lifting && (
        <Confirm
          title={`${lifting.kind === 'mute' ? 'Unmute' : 'Unban'} ${lifting.username ?? lifting.user_id}?`}
          action={lifting.kind === 'mute' ? 'Unmute' : 'Unban'}
          danger={false}
          onConfirm={() => lift(lifting)}
          onClose={() => setLifting(null)}
        >
          <p>
            {lifting.kind === 'mute'
              ? 'They can write again in all rooms.'
              : 'They can connect again, and so can the networks that were banned with them.'}
          </p>
        </Confirm>
      )}
      {adding && (
        <ById
          onClose={() => setAdding(false)}
          onChosen={(chosen) => {
            setAdding(false);
            setTarget(chosen);
          }}
        />
      )}
      {target && (
        <Act
          target={target}
          onClose={() => setTarget(null)}
          onDone={() => {
            setTarget(null);
            void list.load();
          }}
        />
      )}
    </>
  );
}

function ById({ onClose, onChosen }: { onClose: () => void; onChosen: (target: Target) => void }) {
  const [id, setId] = useState('');
  const [action, setAction] = useState<ActionName>('ban');
  return (
    <Dialog title="Ban or mute by id" onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (id.trim()) onChosen({ action, user_id: id.trim() });
        }}
      >
        <Field label="User id" hint="It is in the list of people, beside messages, and in the audit log.">
          {(ids) => (
            <input
              {...ids}
              value={id}
              maxLength={128}
              spellcheck={false}
              autocomplete="off"
              onInput={(event) => setId(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label="What to do">
          {(ids) => (
            <select
              {...ids}
              value={action}
              onChange={(event) => setAction(event.currentTarget.value as ActionName)}
            >
              <option value="ban">Ban</option>
              <option value="mute">Mute</option>
            </select>
          )}
        </Field>
        <footer>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="solid" aria-disabled={id.trim() === ''}>
            Go on
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
