/*
 * The tabs of the lab by the ARIA pattern: one tab stop, arrows move, and the address says which
 * one is open (#manual), so that it can be linked to. A tab begins to work when it is first shown.
 */

/** @typedef {Record<string, () => void>} Begin what each tab does at first, by its name */

/** @param {string} name */
const tabOf = (name) => document.getElementById(`tab-${name}`);

/** @param {string} hash @param {string[]} names */
function nameIn(hash, names) {
  return names.find((name) => hash === `#${name}`) ?? names[0];
}

/** @param {Begin} begin in the order of the tabs; the first is shown if the address names none */
export function startTabs(begin) {
  const names = Object.keys(begin);
  const begun = new Set();

  const show = (/** @type {string} */ chosen) => {
    for (const name of names) {
      const panel = document.getElementById(`panel-${name}`);
      const tab = tabOf(name);
      tab?.setAttribute('aria-selected', String(name === chosen));
      tab?.setAttribute('tabindex', name === chosen ? '0' : '-1');
      panel?.toggleAttribute('hidden', name !== chosen);
    }
    if (!begun.has(chosen)) {
      begun.add(chosen);
      begin[chosen]();
    }
  };

  const choose = (/** @type {string} */ name) => {
    // Not by location.hash: each tab would be a step back.
    history.replaceState(null, '', `#${name}`);
    show(name);
  };

  names.forEach((name, at) => {
    tabOf(name)?.addEventListener('click', () => choose(name));
    tabOf(name)?.addEventListener('keydown', (event) => {
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
      if (to !== undefined) {
        event.preventDefault();
        const next = names.at(to % names.length) ?? name;
        choose(next);
        tabOf(next)?.focus();
      }
    });
  });
  addEventListener('hashchange', () => show(nameIn(location.hash, names)));
  show(nameIn(location.hash, names));
}
