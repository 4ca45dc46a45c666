// The newest refusals of connections and requests, equal ones in one row.

import { number, words } from './format';
import { useList, usePoll } from './hooks';
import { Heading, Listed, Time } from './parts';
import { api } from './session';
import type { Refusal } from './types';

const EVERY_MS = 5_000;

export function Refusals() {
  const list = useList<Refusal>(async () => {
    const { refusals } = await api().get<{ refusals: Refusal[] }>('refusals');
    return { items: refusals, more: false };
  });
  usePoll(() => (list.state.peek() === 'forbidden' ? undefined : list.load()), EVERY_MS);
  return (
    <>
      <Heading note="The newest 200 kinds of refusals of this process, live. Equal ones are one row; nothing that people sent is in it.">
        Refusals
      </Heading>
      <Listed
        list={list}
        caption="Refusals"
        columns={['Last', 'What', 'Why', 'Network', 'Count', 'First']}
        empty="Nothing was refused since the start."
        row={(refusal) => (
          <tr key={`${refusal.code} ${refusal.what} ${refusal.network}`}>
            <td>
              <Time at={refusal.last} />
            </td>
            <td>{refusal.what && <code>{refusal.what}</code>}</td>
            <th scope="row" class="long">
              {words(refusal.code)}
              {refusal.message && <p class="quiet">{refusal.message}</p>}
            </th>
            <td>{refusal.network ? <code>{refusal.network}</code> : <span class="quiet">Unknown</span>}</td>
            <td class="figure">{number(refusal.count)}</td>
            <td>
              <Time at={refusal.first} />
            </td>
          </tr>
        )}
      />
    </>
  );
}
