/**
 * What a program finds besides the language itself, written in the language: console, timers, stdin. It runs inside, in
 * the program's own world; whatever a program does to it harms that program alone. `__soma` is what the capsule calls.
 */
export const prelude = String.raw`
'use strict';
(() => {
  const write = __write, now = __now;
  // Text crosses as C strings, which end at a NUL: it goes under another name. Its own name doubles.
  const whole = (text) => text.replace(/[\0\x10]/g, (it) => it === '\0' ? '\x100' : '\x101');
  const stdin = __stdin.replace(/\x10([01])/g, (_, it) => it === '0' ? '\0' : '\x10');
  for (const name of ['__write', '__now', '__stdin']) delete globalThis[name];
  const { apply, ownKeys, getPrototypeOf } = Reflect;
  const { isArray } = Array, { stringify } = JSON;

  // Of what is shown nobody reads more: a value of a million parts must not take the time that its program left.
  const MOST = 10000;
  let parts = 0;
  const show = (value, depth = 0) => { parts = 0; return inspect(value, depth, []); };

  function inspect(value, depth, seen) {
    if (++parts > MOST) return '…';
    if (typeof value === 'string') return depth === 0 ? value : stringify(value);
    if (typeof value === 'bigint') return value + 'n';
    if (typeof value === 'symbol') return value.toString();
    if (typeof value === 'function') return '[Function' + (value.name ? ': ' + value.name : '') + ']';
    if (value === null || typeof value !== 'object') return Object.is(value, -0) ? '-0' : String(value);
    if (value instanceof Error) {
      const head = (value.name || 'Error') + ': ' + value.message;
      return value.stack && depth === 0 ? head + '\n' + value.stack : head;
    }
    if (seen.includes(value)) return '[Circular]';
    if (depth > 4) return isArray(value) ? '[Array]' : '[Object]';
    if (value instanceof Date) return isNaN(value) ? 'Invalid Date' : value.toISOString();
    if (value instanceof RegExp) return String(value);
    if (value instanceof Promise) return 'Promise {}';
    const within = [...seen, value];
    const inner = (it) => inspect(it, depth + 1, within);
    const some = (all, show) =>
      all.slice(0, 100).map(show).concat(all.length > 100 ? ['… ' + (all.length - 100) + ' more'] : []);
    if (isArray(value) || ArrayBuffer.isView(value)) {
      const name = isArray(value) ? '' : value.constructor.name + ' ';
      const items = some(isArray(value) ? value : [...value], inner);
      return name + (items.length ? '[ ' + items.join(', ') + ' ]' : '[]');
    }
    if (value instanceof Map) {
      return 'Map(' + value.size + ') { ' + some([...value], ([k, v]) => inner(k) + ' => ' + inner(v)).join(', ') + ' }';
    }
    if (value instanceof Set) return 'Set(' + value.size + ') { ' + some([...value], inner).join(', ') + ' }';
    const key = (it) =>
      typeof it === 'symbol' ? '[' + it.toString() + ']' : /^[A-Za-z_$][\w$]*$/.test(it) ? it : stringify(it);
    const fields = some(Object.keys(value), (it) => key(it) + ': ' + inner(value[it]));
    const maker = getPrototypeOf(value)?.constructor?.name;
    const name = maker && maker !== 'Object' ? maker + ' ' : '';
    return name + (fields.length ? '{ ' + fields.join(', ') + ' }' : '{}');
  }

  function format(args) {
    let rest = args, text = '';
    if (typeof args[0] === 'string' && args.length > 1 && /%[sdifjoO%]/.test(args[0])) {
      let at = 1;
      text = args[0].replace(/%([sdifjoO%])/g, (all, kind) => {
        if (kind === '%') return '%';
        if (at >= args.length) return all;
        const value = args[at++];
        if (kind === 's') return show(value);
        if (kind === 'd') return String(Number(value));
        if (kind === 'i') return String(parseInt(value, 10));
        if (kind === 'f') return String(parseFloat(value));
        return kind === 'j' ? stringify(value) : show(value, 1);
      });
      rest = args.slice(at);
      if (rest.length) text += ' ';
    }
    return text + rest.map((it) => show(it)).join(' ') + '\n';
  }

  const out = (...args) => void write(1, whole(format(args)));
  const err = (...args) => void write(2, whole(format(args)));
  const table = (rows) => out(rows);
  globalThis.console = { log: out, info: out, debug: out, dir: (it) => out(it), table, error: err, warn: err, trace: err,
    assert: (holds, ...args) => { if (!holds) err('Assertion failed', ...args); } };
  globalThis.print = out;
  globalThis.stdin = stdin;
  const lines = stdin === '' ? [] : stdin.replace(/\r?\n$/, '').split(/\r?\n/);
  globalThis.readline = () => lines.length ? lines.shift() : null;
  globalThis.performance = { now: () => now() };

  let timers = [], id = 0;
  const add = (task, ms, args, every) => {
    if (typeof task !== 'function') throw new TypeError('a timer needs a function');
    const delay = Math.max(every ? 1 : 0, Number(ms) || 0);
    timers.push({ id: ++id, task, args, at: now() + delay, every: every ? delay : undefined });
    return id;
  };
  globalThis.setTimeout = (task, ms, ...args) => add(task, ms, args, false);
  globalThis.setInterval = (task, ms, ...args) => add(task, ms, args, true);
  globalThis.clearTimeout = globalThis.clearInterval = (which) => { timers = timers.filter((it) => it.id !== which); };
  globalThis.queueMicrotask ??= (task) => void Promise.resolve().then(task);

  Object.defineProperty(globalThis, '__soma', { value: Object.freeze({
    show: (value) => whole(show(value)),
    due: () => timers.length ? String(Math.max(0, Math.min(...timers.map((it) => it.at)) - now())) : 'none',
    fire() {
      const next = timers.reduce((a, b) => (b.at < a.at ? b : a));
      if (next.every === undefined) timers = timers.filter((it) => it !== next);
      else next.at = now() + next.every;
      apply(next.task, undefined, next.args);
    },
  }) });
})();
`
