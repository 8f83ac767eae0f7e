/** Makes a link of a draft. */
import { useState } from 'preact/hooks';
import { messageOf } from '../parts/action.tsx';
import { copyText } from '../parts/copy-text.ts';
import { type Draft, LONG_LINK, linkOf } from './link.ts';

interface Made {
  /** What it is a link of. Once that has changed, it is none. */
  readonly draft: Draft;
  readonly link: string;
  readonly copied: boolean;
}

export function Share({ draft }: { readonly draft: Draft }) {
  const [made, setMade] = useState<Made>();
  const [failure, setFailure] = useState<string>();
  const share = async () => {
    setFailure(undefined);
    setMade(undefined);
    try {
      const link = new URL(await linkOf(draft), location.href).href;
      setMade({ draft, link, copied: await copyText(link) });
    } catch (error) {
      setFailure(messageOf(error));
    }
  };
  return (
    <>
      <button type="button" onClick={() => void share()}>
        Share
      </button>
      {failure !== undefined && (
        <p class="problem" role="alert">
          {failure}
        </p>
      )}
      {made?.draft === draft && (
        <div class="share">
          <label class="inline">
            Link{' '}
            <input
              readOnly
              value={made.link}
              onFocus={({ currentTarget }) => currentTarget.select()}
            />
          </label>
          <span class="hint" role="status">
            {made.copied ? 'Copied.' : 'Copy it from the field.'} It holds both files, and no server
            sees them.
            {made.link.length > LONG_LINK &&
              ` It has ${Math.ceil(made.link.length / 1_000)} kB: some programs cut addresses of that length.`}
          </span>
        </div>
      )}
    </>
  );
}
