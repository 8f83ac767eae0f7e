/** The editor: two files, what runs of them, and links. */
import { useEffect, useState } from 'preact/hooks';
import { messageOf } from '../parts/action.tsx';
import './editor.css';
import { Bench } from './bench.tsx';
import { compiler } from './compiler.ts';
import { packedIn, unpack } from './link.ts';
import { ownWork } from './own-work.ts';
import { Work } from './session.ts';

/** The draft of this browser, for as long as the page. */
const own = ownWork();
/** What the last link held. */
let linked: { readonly packed: string; readonly work: Work } | undefined;

/** The editor with the draft of this browser, or with what the address holds. */
export function Workspace() {
  const packed = usePacked();
  const [failure, setFailure] = useState<string>();
  const [work, setWork] = useState<Work>();
  useEffect(compiler.open, []);
  useEffect(() => {
    let current = true;
    setFailure(undefined);
    setWork(undefined);
    workOf(packed).then(
      (found) => current && setWork(found),
      (error) => current && setFailure(messageOf(error)),
    );
    return () => {
      current = false;
    };
  }, [packed]);
  if (failure !== undefined)
    return (
      <div class="panel">
        <p class="problem" role="alert">
          The link can't be opened: {failure}.
        </p>
        <p>
          <a href="#/editor">Go on with your own draft</a>
        </p>
      </div>
    );
  return work === undefined ? (
    <p class="hint">The editor is loading…</p>
  ) : (
    <Bench key={work.number} work={work} />
  );
}

/** Unpacks a link. Nothing of it is compiled or run. */
async function workOf(packed: string | undefined): Promise<Work> {
  if (packed === undefined) return own;
  if (linked?.packed !== packed) linked = { packed, work: new Work(await unpack(packed), true) };
  return linked.work;
}

function usePacked(): string | undefined {
  const read = () => packedIn(location.hash);
  const [packed, setPacked] = useState(read);
  useEffect(() => {
    const follow = () => setPacked(read);
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return packed;
}
