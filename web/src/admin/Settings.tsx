// The settings in force. Of secrets only whether they are set.

import { Fragment } from 'preact';
import { useState } from 'preact/hooks';
import { useList } from './hooks';
import { Failed, Field, Forbidden, Heading, Skeleton, Table } from './parts';
import { api } from './session';
import type { Setting } from './types';

const SOURCES = { default: 'Default', environment: 'Environment', flag: 'Flag', host: 'Adapted to the host' };

export function Settings() {
  const [text, setText] = useState('');
  const [changed, setChanged] = useState(false);
  const list = useList<Setting>(async () => {
    const { settings } = await api().get<{ settings: Setting[] }>('settings');
    return { items: settings, more: false };
  });
  const state = list.state.value;
  const wanted = text.trim().toLowerCase();
  const all = list.items.value;
  const shown = all.filter(
    ({ name, help, source }) =>
      (!changed || source !== 'default') && `${name} ${help}`.toLowerCase().includes(wanted),
  );
  const groups = [...new Set(shown.map(({ group }) => group))];
  return (
    <>
      <Heading note="As they were read at the start. They are changed on the server, and hold after its next start.">
        Settings
      </Heading>
      {state === 'loading' && <Skeleton />}
      {state === 'forbidden' && <Forbidden />}
      {(state === 'failed' || state === 'absent') && (
        <Failed message={list.error.value} retry={() => list.load()} />
      )}
      {state === 'ready' && (
        <>
          <div class="filters">
            <Field label="Name or meaning">
              {(ids) => (
                <input
                  {...ids}
                  type="search"
                  value={text}
                  onInput={(event) => setText(event.currentTarget.value)}
                />
              )}
            </Field>
            <label class="check">
              <input
                type="checkbox"
                checked={changed}
                onChange={(event) => setChanged(event.currentTarget.checked)}
              />
              <span>Only those that differ from the default</span>
            </label>
          </div>
          {all.length === 0 && (
            <p class="state">The server is a part of another program, which configures it in code.</p>
          )}
          {all.length > 0 && shown.length === 0 && <p class="state">No setting matches.</p>}
          {groups.map((group) => (
            <section key={group} class="part">
              <h2>{group}</h2>
              <Table caption={group} columns={['Setting', 'Value', 'From', 'Meaning']}>
                {shown
                  .filter((setting) => setting.group === group)
                  .map((setting) => (
                    <tr key={setting.name}>
                      <th scope="row">
                        <code>{setting.name}</code>
                      </th>
                      <td class="value">
                        <Value setting={setting} />
                      </td>
                      <td>
                        {setting.source === 'default' ? (
                          <span class="quiet">Default</span>
                        ) : (
                          <span class="badge">{SOURCES[setting.source]}</span>
                        )}
                      </td>
                      <td class="long quiet">{setting.help.replaceAll('`', '')}</td>
                    </tr>
                  ))}
              </Table>
            </section>
          ))}
        </>
      )}
    </>
  );
}

function Value({ setting: { value, secret } }: { setting: Setting }) {
  if (secret) return <span class="badge">{value === 'set' ? 'Set' : 'Not set'}</span>;
  if (value === '') return <span class="quiet">Empty</span>;
  // A list breaks behind its commas.
  return (
    <code>
      {value.split(',').map((part, index) => (
        <Fragment key={index}>
          {index > 0 && (
            <>
              ,<wbr />
            </>
          )}
          {part}
        </Fragment>
      ))}
    </code>
  );
}
