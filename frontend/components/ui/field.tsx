import { useId, type InputHTMLAttributes, type ReactNode } from "react"

export const CONTROL =
  "bg-card border-line text-ink min-h-10 w-full rounded-md border px-3 py-2 text-sm aria-invalid:border-bad"

interface Props extends InputHTMLAttributes<HTMLInputElement> {
  label: string
  hint?: ReactNode
  fault?: string | undefined
}

/** An input with its label, a hint, and what is wrong with it. */
export function Field({ label, hint, fault, className = "", ...rest }: Props) {
  const id = useId()
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1 block text-sm font-medium">
        {label}
      </label>
      <input
        id={id}
        className={CONTROL}
        aria-invalid={fault ? true : undefined}
        aria-describedby={hint || fault ? `${id}-told` : undefined}
        {...rest}
      />
      {(hint || fault) && (
        <p id={`${id}-told`} className={`mt-1 text-sm ${fault ? "text-bad" : "text-soft"}`}>
          {fault ?? hint}
        </p>
      )}
    </div>
  )
}
