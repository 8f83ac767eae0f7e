/** One value that a plugin keeps: shown, edited as JSON, and deleted, each after a question. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { editableText, editedValue } from '../model/editable.ts';
import { plainText, showValue } from '../model/show-value.ts';
import { Action, Failure, messageOf } from '../parts/action.tsx';
import { Confirm } from '../parts/confirm.tsx';

/** What is asked before it is done. */
type Question = { readonly kind: 'delete' } | { readonly kind: 'save'; readonly value: unknown };

export function StorageValue({
  name,
  value,
  save,
  remove,
}: {
  readonly name: string;
  readonly value: unknown;
  /** @param before the text with which the edit began. */
  readonly save: (value: unknown, before: string) => Promise<void>;
  readonly remove: () => Promise<void>;
}) {
  const [draft, setDraft] = useState<string>();
  const before = useRef('');
  const [question, setQuestion] = useState<Question>();
  const [failure, setFailure] = useState<string>();
  const text = useRef<HTMLTextAreaElement>(null);
  const buttons = useRef<HTMLDivElement>(null);
  const isEdited = draft !== undefined;
  const wasEdited = useRef(isEdited);
  // The button that was pressed is gone: the focus goes to the text, and then to "Edit".
  useLayoutEffect(() => {
    if (wasEdited.current === isEdited) return;
    wasEdited.current = isEdited;
    (isEdited ? text.current : buttons.current?.querySelector('button'))?.focus();
  }, [isEdited]);
  const shown = plainText(name, 100);
  const editable = editableText(value);
  const answer = async (agreed: boolean) => {
    setQuestion(undefined);
    if (!agreed || question === undefined) return;
    if (question.kind === 'delete') return remove();
    await save(question.value, before.current);
    setDraft(undefined);
  };
  return (
    <>
      <h3>{plainText(name)}</h3>
      {draft === undefined ? (
        <pre>{value === undefined ? 'It is kept no longer.' : showValue(value)}</pre>
      ) : (
        <textarea
          ref={text}
          rows={12}
          spellcheck={false}
          aria-label={`Value of ${shown}, as JSON`}
          value={draft}
          onInput={({ currentTarget }) => setDraft(currentTarget.value)}
        />
      )}
      <div class="row" ref={buttons}>
        {draft === undefined ? (
          <Action
            label="Edit"
            of={shown}
            possible={editable !== undefined}
            run={() => {
              before.current = editable ?? '';
              setDraft(editable);
            }}
            onFailure={setFailure}
          />
        ) : (
          <>
            <Action
              label="Save"
              of={shown}
              run={() => setQuestion({ kind: 'save', value: editedValue(draft) })}
              onFailure={setFailure}
            />
            <Action
              label="Discard"
              of={shown}
              run={() => setDraft(undefined)}
              onFailure={setFailure}
            />
          </>
        )}
        <Action
          label="Delete"
          of={shown}
          danger
          run={() => setQuestion({ kind: 'delete' })}
          onFailure={setFailure}
        />
      </div>
      {editable === undefined && value !== undefined && (
        <p class="hint">It is too large to be edited here, or JSON can't express it.</p>
      )}
      <Failure message={failure} />
      {question !== undefined && (
        <Confirm
          title={question.kind === 'delete' ? `Delete ${shown}?` : `Replace ${shown}?`}
          yes={question.kind === 'delete' ? 'Delete' : 'Replace'}
          onAnswer={(agreed) => void answer(agreed).catch((error) => setFailure(messageOf(error)))}
        >
          <p class="hint">
            The plugin isn't told. What it keeps in its memory stays until it is reloaded.
          </p>
        </Confirm>
      )}
    </>
  );
}
