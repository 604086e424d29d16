/** Numbers as a narrow column can hold them. */

/** `1,234,567`. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** A rate: with a decimal as long as that tells something. */
export function rate(value: number): string {
  if (value === 0) return '0';
  if (value < 0.05) return '<0.1';
  return value < 9.95 ? value.toFixed(1) : whole(value);
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytes(value: number): string {
  let unit = 0;
  let amount = value;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit++;
  }
  return `${amount < 9.95 && unit > 0 ? amount.toFixed(1) : Math.round(amount)} ${UNITS[unit]}`;
}

/** Milliseconds, by their size. */
export function milliseconds(value: number): string {
  if (value === 0) return '0';
  if (value < 0.001) return '<0.001';
  return value < 1 ? value.toFixed(3) : value < 99.5 ? value.toFixed(1) : whole(value);
}

/** `3d 4h`, `2h 5m`, `4m 7s`, `9s`. */
export function age(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3_600),
    Math.floor(whole / 60),
  ];
  if (days > 0) return `${days}d ${hours % 24}h`;
  if (hours > 0) return `${hours}h ${minutes % 60}m`;
  return minutes > 0 ? `${minutes}m ${whole % 60}s` : `${whole}s`;
}
