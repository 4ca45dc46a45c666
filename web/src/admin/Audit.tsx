// What people in charge did, newest first.

import { useState } from 'preact/hooks';
import { words } from './format';
import { useList } from './hooks';
import { Field, Heading, Link, Listed, Time, Who } from './parts';
import { slowMode } from './Rooms';
import { api } from './session';
import type { AuditLine } from './types';

const PAGE = 100;

/** Whether a line is by or about a person whose name or id has this in it. */
export function concerns(line: AuditLine, wanted: string): boolean {
  const texts = [line.actor, line.actor_name, line.user_id, line.username];
  return texts.some((text) => text?.toLowerCase().includes(wanted));
}

export function Audit() {
  const [action, setAction] = useState('');
  const [text, setText] = useState('');
  const list = useList<AuditLine>(async (last) => {
    const page = await api().get<{ lines: AuditLine[]; more: boolean }>('audit', {
      before: last?.id,
      limit: PAGE,
    });
    return { items: page.lines, more: page.more };
  });
  const actions = [...new Set(list.items.value.map((line) => line.action))].sort();
  const wanted = text.trim().toLowerCase();
  return (
    <>
      <Heading note="What people in charge did, newest first. Filters look at what is loaded.">
        Audit log
      </Heading>
      {list.state.value === 'ready' && (
        <div class="filters">
          <Field label="Action">
            {(ids) => (
              <select {...ids} value={action} onChange={(event) => setAction(event.currentTarget.value)}>
                <option value="">All</option>
                {actions.map((name) => (
                  <option key={name} value={name}>
                    {words(name)}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field label="By or about">
            {(ids) => (
              <input
                {...ids}
                type="search"
                value={text}
                placeholder="Name or id"
                onInput={(event) => setText(event.currentTarget.value)}
              />
            )}
          </Field>
          <button type="button" aria-disabled={list.busy.value} onClick={() => list.load()}>
            Refresh
          </button>
        </div>
      )}
      <Listed
        list={list}
        caption="Audit log"
        columns={['When', 'Action', 'By', 'About', 'Room', 'Details', 'Address']}
        empty="Nobody has done anything yet."
        filter={(line) =>
          (action === '' || line.action === action) && (wanted === '' || concerns(line, wanted))
        }
        row={(line) => (
          <tr key={line.id}>
            <td>
              <Time at={line.at} />
            </td>
            <th scope="row">{words(line.action)}</th>
            <td>
              <Who name={line.actor_name} id={line.actor} />
            </td>
            <td>
              <Who name={line.username} id={line.user_id} />
            </td>
            <td>
              {line.room && (
                <Link to="rooms" item={line.room}>
                  #{line.room}
                </Link>
              )}
            </td>
            <td class="long">
              <Details line={line} />
            </td>
            <td>{line.address && <code>{line.address}</code>}</td>
          </tr>
        )}
      />
    </>
  );
}

/** What a line set, as people say it. */
export function setTo({ action, value }: AuditLine): string {
  if (value === undefined) return '';
  if (action === 'lock') return value === 'on' ? 'Locked' : 'Opened';
  if (action === 'slow_mode')
    return Number(value) > 0 ? `One message every ${slowMode(Number(value))}` : 'Off';
  if (action === 'topic') return value === '' ? 'No topic any more' : value;
  return value;
}

function Details({ line }: { line: AuditLine }) {
  return (
    <>
      {line.value !== undefined && <p dir="auto">{setTo(line)}</p>}
      {line.message !== undefined && <p>Message {line.message}</p>}
      {line.reason && <p dir="auto">{line.reason}</p>}
      {line.until && (
        <p class="quiet">
          Until <Time at={line.until} />
        </p>
      )}
    </>
  );
}
