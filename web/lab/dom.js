/*
 * Finding and making elements. Text reaches the page only as text: there is no innerHTML here.
 */

/**
 * The element of that id; a page without it is a mistake of ours.
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) {
    throw new Error(`no ${type.name} called ${id}`);
  }
  return element;
}

/**
 * @template {keyof HTMLElementTagNameMap} N
 * @param {N} name
 * @param {string} [className]
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[N]}
 */
export function make(name, className = '', text = '') {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}

/**
 * Add a line at the end of a scrolling list, keep it in sight if the end was, and let go of the
 * oldest lines.
 * @param {HTMLElement} list
 * @param {HTMLElement} line
 * @param {number} most
 */
export function appendLine(list, line, most) {
  const atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 8;
  list.append(line);
  while (list.children.length > most) {
    list.firstElementChild?.remove();
  }
  if (atEnd) {
    list.scrollTop = list.scrollHeight;
  }
}
