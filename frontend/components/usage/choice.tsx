import { CONTROL } from "@/components/ui/field"

interface Props<T extends string | number> {
  label: string
  of: readonly T[]
  value: T
  name: (one: T) => string
  onChange: (next: T) => void
}

/** One of a few, by name. */
export function Choice<T extends string | number>({ label, of, value, name, onChange }: Props<T>) {
  return (
    <label className="text-sm font-medium">
      <span className="mb-1 block">{label}</span>
      <select
        className={CONTROL}
        value={value}
        onChange={(event) => {
          const next = of.find((one) => String(one) === event.target.value)
          if (next !== undefined) onChange(next)
        }}
      >
        {of.map((one) => (
          <option key={one} value={one}>
            {name(one)}
          </option>
        ))}
      </select>
    </label>
  )
}
