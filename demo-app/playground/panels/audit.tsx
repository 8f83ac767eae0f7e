/** The audit log: filtered, checked and exported. */
import {
  type AuditEntry,
  type AuditHead,
  type AuditVerdict,
  type ExportVerdict,
  verifyExport,
} from '@plinth/kernel/audit';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { choicesOf, factsText, matching, verdictText } from '../model/audit-view.ts';
import { linesOf, paced } from '../model/paced.ts';
import { plainText } from '../model/show-value.ts';
import { Action, Failure, messageOf, type OnFailure } from '../parts/action.tsx';
import { Choice } from '../parts/choice.tsx';
import { useInspector } from '../parts/context.ts';
import { FileButton } from '../parts/file-button.tsx';
import { saveFile } from '../parts/save-file.ts';
import { VirtualList } from '../parts/virtual-list.tsx';

/** Bytes of an exported file that is checked. */
const MOST_BYTES = 64_000_000;

/** The whole panel. */
export function AuditPanel() {
  const { kernel } = useInspector();
  const [entries, setEntries] = useState<readonly AuditEntry[]>();
  const [plugin, setPlugin] = useState('');
  const [topic, setTopic] = useState('');
  const [failure, setFailure] = useState<string>();
  const read = async () => setEntries(await kernel.audit.entries());
  // Once, and then on request: the log grows with each use of a right
  useEffect(() => {
    read().catch((error) => setFailure(messageOf(error)));
  }, [kernel]);
  const choices = useMemo(() => choicesOf(entries ?? []), [entries]);
  const shown = useMemo(() => matching(entries ?? [], { plugin, topic }), [entries, plugin, topic]);
  return (
    <>
      <div class="row tools">
        <Choice
          label="Plugin"
          all="All"
          values={choices.plugins}
          value={plugin}
          onChange={setPlugin}
        />
        <Choice label="Kind" all="All" values={choices.topics} value={topic} onChange={setTopic} />
        <span class="hint grow" id="audit-count">
          {entries === undefined
            ? 'Reading…'
            : `${shown.length} of ${entries.length} entries, newest first`}
        </span>
        <Action label="Refresh" run={read} onFailure={setFailure} />
      </div>
      <Proof onFailure={setFailure} />
      <Failure message={failure} />
      <VirtualList
        live
        label="Entries of the audit, newest first"
        items={shown}
        height={48}
        row={(entry) => <Row key={entry.hash} entry={entry} />}
      />
    </>
  );
}

function Row({ entry }: { readonly entry: AuditEntry }) {
  const { number, time, topic, plugin } = entry;
  return (
    <li class="line event" data-kind="kernel" data-topic={topic}>
      <div class="plain">
        <time dateTime={new Date(time).toISOString()}>{new Date(time).toLocaleTimeString()}</time>
        <strong>{plainText(topic)}</strong>
        <span class="source">
          {plainText(plugin ?? 'application', 80)} {number}
        </span>
        <code>{factsText(entry)}</code>
      </div>
    </li>
  );
}

/** Shows that nothing was changed: of the log, of an export, or of a file of one. */
function Proof({ onFailure }: { readonly onFailure: OnFailure }) {
  const { kernel } = useInspector();
  const [head, setHead] = useState<AuditHead>();
  const [verdict, setVerdict] = useState<AuditVerdict | ExportVerdict>();
  const pinned = head === undefined ? {} : { head };
  const verify = async (lines: Iterable<string> | AsyncIterable<string>) => {
    setVerdict(undefined);
    setVerdict(await verifyExport(paced(lines), pinned));
  };
  const save = async () => {
    const lines: string[] = [];
    for await (const line of paced(kernel.audit.export())) lines.push(line);
    saveFile('audit.jsonl', lines, 'application/jsonl');
  };
  return (
    <section class="tools" aria-label="Proof">
      <div class="row">
        <Action
          label="Verify the chains"
          run={() => verify(kernel.audit.export())}
          onFailure={onFailure}
        />
        <Action
          label={head === undefined ? 'Pin the head' : 'Pin the head again'}
          run={async () => setHead(await kernel.audit.head())}
          onFailure={onFailure}
        />
        <Action label="Export" run={save} onFailure={onFailure} />
        <FileButton
          label="Verify a file"
          most={MOST_BYTES}
          onText={(text) => verify(linesOf(text))}
          onFailure={onFailure}
        />
      </div>
      <p class="hint">
        {head === undefined
          ? 'A pinned head shows later what was cut off. It lasts until the page is left.'
          : `Pinned at entry ${head.number}.`}
      </p>
      <p class={verdict?.ok === false ? 'problem' : 'hint'} role="status" aria-label="Verdict">
        {verdict !== undefined && verdictText(verdict)}
      </p>
    </section>
  );
}
