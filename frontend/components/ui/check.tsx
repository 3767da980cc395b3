export function Check({ label, on, onChange }: { label: string; on: boolean; onChange: (on: boolean) => void }) {
  return (
    <label className="flex min-h-6 cursor-pointer items-center gap-2">
      <input type="checkbox" className="size-4" checked={on} onChange={(event) => onChange(event.target.checked)} />
      {label}
    </label>
  )
}
