/** What metrics write of very many plugins: in time, and not without end. */
import { expect, it } from 'vitest';
import { prometheusText } from '../../kernel/dist/extensions/metrics/prometheus.js';
import { Series } from '../../kernel/dist/extensions/metrics/series.js';

const seriesOf = (feature: string, plugin = 'test.a') => {
  const series = new Series({ kind: 'command', feature, plugin });
  series.settle(1.5, undefined);
  return series;
};
const of = { tenant: 'tenant-0', instruments: [], counters: {}, states: new Map() };

it('the text for Prometheus names each series with its buckets', () => {
  const failed = seriesOf('test.a:"go"');
  failed.settle(20, 'test/no\n');
  const text = prometheusText({ ...of, series: [failed] });
  const labels = 'tenant="tenant-0",plugin="test.a",kind="command",command="test.a:\\"go\\""';
  expect(text).toContain(
    [
      `plugin_command_duration_seconds_bucket{${labels},le="0.005"} 1`,
      `plugin_command_duration_seconds_bucket{${labels},le="0.01"} 1`,
      `plugin_command_duration_seconds_bucket{${labels},le="0.05"} 2`,
    ].join('\n'),
  );
  expect(text).toContain(`plugin_command_duration_seconds_sum{${labels}} 0.0215\n`);
  expect(text).toContain(`plugin_command_errors_total{${labels},error="test/no\\n"} 1\n`);
});

it('the text for Prometheus ends at 16 MiB, and says what it lacks', () => {
  const long = 'x'.repeat(4_000);
  const series = Array.from({ length: 400 }, (_, at) => seriesOf(`test.a:${at}${long}`));
  const text = prometheusText({ ...of, series });
  expect(text.length).toBeGreaterThan(16_000_000);
  expect(text.length).toBeLessThan(16_777_216 + 200);
  expect(text).toMatch(/\n# \d+ lines are left out: the text has 16777216 characters at most\n$/);
});
