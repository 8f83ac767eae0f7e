/** The guided tour beside the panels: an offer at the first visit, then a dock with one step. */
import { useEffect, useState } from 'preact/hooks';
import { useChanges } from '../model/store.ts';
import { STEPS, type Step } from '../model/tour-steps.ts';
import { Action, Failure } from './action.tsx';
import { useInspector } from './context.ts';

const TITLE = 'tour-title';

/** Moves the focus to the dock, which is shown by then. */
const focusDock = () => requestAnimationFrame(() => document.getElementById(TITLE)?.focus());

/** The button in the header. A tour that goes on isn't started again. */
export function TourButton() {
  const { tour } = useInspector();
  const press = () => {
    if (tour.state !== 'going') tour.start();
    focusDock();
  };
  return (
    <button type="button" id="tour-button" onClick={press}>
      Guided tour
    </button>
  );
}

/** One line at the first visit. It stands in the flow of the page and covers nothing. */
export function TourOffer() {
  const { tour } = useInspector();
  useChanges(tour.changes);
  if (tour.state !== 'offered') return null;
  const start = () => {
    tour.start();
    focusDock();
  };
  return (
    <section class="offer row" aria-label="Offer of a guided tour">
      <p>New here? In {STEPS.length} steps you run, break, swap and compare real plugins.</p>
      <button type="button" onClick={start}>
        Start
      </button>
      <button type="button" onClick={() => tour.end()}>
        No, thanks
      </button>
    </section>
  );
}

/** The dock. It is not modal: everything in the page can be used meanwhile. */
export function TourDock() {
  const { tour } = useInspector();
  useChanges(tour.changes);
  if (tour.state !== 'going') return null;
  const { step, place, outcome } = tour;
  const end = () => {
    tour.end();
    document.getElementById('tour-button')?.focus();
  };
  return (
    <section class="tour panel" aria-labelledby={TITLE}>
      <div class="card-title">
        <h2 id={TITLE} tabIndex={-1}>
          Guided tour
        </h2>
        <span class="hint">
          {step === undefined ? 'finished' : `${place + 1} of ${STEPS.length}`}
        </span>
      </div>
      <progress aria-label="Steps of the tour" max={STEPS.length} value={place} />
      <div class="stack" role="status" aria-label="Step of the tour">
        {outcome !== undefined && <p class="hint outcome">{outcome}</p>}
        <h3>{step === undefined ? 'That was the tour.' : step.title}</h3>
        <p>{step === undefined ? 'Everything in it is yours to try again.' : step.text}</p>
      </div>
      {step === undefined ? (
        <div class="row">
          <button type="button" onClick={end}>
            End the tour
          </button>
        </div>
      ) : (
        <StepButtons step={step} onEnd={end} />
      )}
    </section>
  );
}

/** The buttons stay over the steps, and with them the focus of who presses one. */
function StepButtons({ step, onEnd }: { readonly step: Step; readonly onEnd: () => void }) {
  const inspector = useInspector();
  const [failure, setFailure] = useState<string>();
  useEffect(() => setFailure(undefined), [step]);
  const help = async () => {
    location.hash = `#/${step.panel}`;
    const { DEEDS } = await import('../model/tour-deeds.ts');
    await DEEDS[step.name](inspector);
  };
  return (
    <>
      <div class="row">
        <a href={`#/${step.panel}`}>Open the panel</a>
        <Action label="Do it for me" run={help} onFailure={setFailure} />
        <button type="button" onClick={() => inspector.tour.skip()}>
          Skip
        </button>
        <button type="button" onClick={onEnd}>
          End
        </button>
      </div>
      <Failure message={failure} />
    </>
  );
}
