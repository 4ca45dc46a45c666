// How the service is now, and how it was in the last minutes.

import { Chart } from './Chart';
import { failure, read, samples, stats } from './figures';
import { bytes, clock, duration, number, words } from './format';
import { Failed, Heading, Link, Skeleton, Table } from './parts';
import { minutes } from './samples';
import { isAdmin } from './session';
import type { Stats } from './types';

const limit = (most: number, format: (value: number) => string) => (most > 0 ? `of ${format(most)}` : '');

export function Overview() {
  const now = stats.value;
  const failed = failure.value;
  return (
    <>
      <Heading note="Figures of this server process, every three seconds while this page is visible.">
        Overview
      </Heading>
      {failed && <Failed message={failed} retry={read} />}
      {!now && !failed && <Skeleton />}
      {now && (
        <>
          <Facts stats={now} />
          <Charts stats={now} />
          <Refused counts={now.rejected} />
        </>
      )}
    </>
  );
}

function Facts({ stats: now }: { stats: Stats }) {
  const facts: [string, string, boolean?][] = [
    ['State', now.ready ? 'Ready' : 'Not ready', !now.ready],
    ['People in rooms', number(now.members)],
    ['Messages since the start', number(now.messages)],
    ['Up for', duration(now.uptime_s)],
    ['Store', now.store],
    ['Version', now.version],
    ['Slow readers closed', number(now.slow_readers_closed)],
    ['Faults in the server', number(now.panics), now.panics > 0],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value, bad]) => (
        <div key={name} class={bad ? 'bad' : ''}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Charts({ stats: now }: { stats: Stats }) {
  const list = samples.value;
  const perSecond = (value: number) => `${number(value)}/s`;
  const memory = now.resident_bytes === undefined ? 'Memory held for connections' : 'Memory of the process';
  return (
    <>
      <div class="charts">
        <Chart
          title="Connections"
          measure="connections"
          samples={list}
          format={number}
          of={limit(now.connections_max, number)}
        />
        <Chart title="Messages" measure="messages" samples={list} format={perSecond} />
        <Chart title="Deliveries" measure="deliveries" samples={list} format={perSecond} />
        <Chart
          title="Lag of the slowest connection"
          measure="lag"
          samples={list}
          format={(value) => `${number(value)} ${value === 1 ? 'entry' : 'entries'}`}
        />
        <Chart title={memory} measure="memory" samples={list} format={bytes} />
        <Chart
          title="Held for connections"
          measure="held"
          samples={list}
          format={bytes}
          of={limit(now.held_bytes_max, bytes)}
        />
      </div>
      <details class="as-table">
        <summary>The charts as a table</summary>
        <Table
          caption="Means of each minute"
          columns={['Minute', 'Connections', 'Messages/s', 'Deliveries/s', 'Lag', 'Memory', 'Held']}
        >
          {minutes(list).map((minute) => (
            <tr key={minute.at}>
              <th scope="row">{clock(minute.at)}</th>
              <td>{number(minute.connections)}</td>
              <td>{number(minute.messages)}</td>
              <td>{number(minute.deliveries)}</td>
              <td>{number(minute.lag)}</td>
              <td>{bytes(minute.memory)}</td>
              <td>{bytes(minute.held)}</td>
            </tr>
          ))}
        </Table>
      </details>
    </>
  );
}

/** What was refused since the start, most frequent first. */
function Refused({ counts }: { counts: Record<string, number> }) {
  const reasons = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return (
    <section class="card-section">
      <h2>Refused since the start</h2>
      {reasons.length === 0 ? (
        <p class="quiet">Nothing was refused.</p>
      ) : (
        <ul class="chips">
          {reasons.map(([reason, count]) => (
            <li key={reason}>
              {words(reason)} <b>{number(count)}</b>
            </li>
          ))}
        </ul>
      )}
      {isAdmin() && (
        <p>
          <Link to="refusals">The newest refusals</Link>
        </p>
      )}
    </section>
  );
}
