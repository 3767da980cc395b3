import type { ReactNode } from "react"

interface Props {
  title?: ReactNode
  actions?: ReactNode
  children: ReactNode
  className?: string
}

export function Card({ title, actions, children, className = "" }: Props) {
  return (
    <section className={`bg-card border-line rounded-lg border p-4 sm:p-5 ${className}`}>
      {(title || actions) && (
        <div className="mb-3 flex flex-wrap items-center justify-between gap-2">
          {title && <h2 className="text-base font-semibold">{title}</h2>}
          {actions}
        </div>
      )}
      {children}
    </section>
  )
}

/** Facts as pairs of a word and a value. */
export function Facts({ children }: { children: ReactNode }) {
  return <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5 text-sm">{children}</dl>
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-soft">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </>
  )
}

export function Stat({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="bg-card border-line rounded-lg border p-4">
      <div className="text-soft text-sm">{name}</div>
      <div className="mt-1 text-xl font-semibold tabular-nums">{children}</div>
    </div>
  )
}
