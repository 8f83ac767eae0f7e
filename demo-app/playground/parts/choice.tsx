/** Chooses one of some texts, or all of them. The texts may be a plugin's. */
import { plainText } from '../model/show-value.ts';

export function Choice({
  label,
  all,
  values,
  value,
  onChange,
}: {
  readonly label: string;
  /** The text for "all", with the value ''. */
  readonly all?: string;
  readonly values: readonly string[];
  readonly value: string;
  readonly onChange: (value: string) => void;
}) {
  return (
    <label class="inline">
      {label}{' '}
      <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        {all !== undefined && <option value="">{all}</option>}
        {values.map((one) => (
          <option key={one} value={one}>
            {plainText(one, 80)}
          </option>
        ))}
      </select>
    </label>
  );
}
