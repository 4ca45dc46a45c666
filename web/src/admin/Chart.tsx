// A small chart: a line over the last minutes, its scale, and the same in words.

import { ceiling, line, type Measure, type Sample, spanOf, summaryOf } from './samples';

const BOX = { width: 300, height: 72 };

interface ChartProps {
  title: string;
  measure: Measure;
  samples: readonly Sample[];
  format: (value: number) => string;
  /** Beside the newest value: "of 20,000". */
  of?: string;
}

export function Chart({ title, measure, samples, format, of }: ChartProps) {
  const summary = summaryOf(samples, measure);
  const top = ceiling(summary?.most ?? 1);
  const path = line(samples, measure, top, BOX);
  const first = samples[0];
  const last = samples.at(-1);
  const span = spanOf(samples);
  const minutes = span === 1 ? 'last minute' : `last ${span} minutes`;
  const start = first && last ? BOX.width * (1 - (last.at - first.at) / (span * 60_000)) : BOX.width;
  const words = summary
    ? `Lowest ${format(summary.least)}, highest ${format(summary.most)}`
    : 'Waiting for the first figures';
  return (
    <figure class="chart">
      <figcaption>
        <span class="title">{title}</span>
        <span class="value">
          {summary ? format(summary.now) : '–'}
          {of && <small> {of}</small>}
        </span>
      </figcaption>
      <svg
        viewBox={`0 0 ${BOX.width} ${BOX.height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}, ${minutes}: ${words}`}
      >
        <path
          class="grid"
          d={`M0 .5H${BOX.width}M0 ${BOX.height / 2}H${BOX.width}M0 ${BOX.height - 0.5}H${BOX.width}`}
        />
        {path && <path class="area" d={`${path}V${BOX.height}H${start.toFixed(1)}Z`} />}
        {path && <path class="line" d={path} />}
      </svg>
      <p class="scale">
        <span>{words}</span>
        <span aria-hidden="true">{minutes}</span>
      </p>
    </figure>
  );
}
