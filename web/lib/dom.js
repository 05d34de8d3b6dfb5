/*
 * Finding and making elements. Text reaches a page only as text: there is no innerHTML here.
 */

const SVG = 'http://www.w3.org/2000/svg';

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
 * An icon of the page's sprite, `<symbol id="icon-NAME">`; the text beside it says what it means.
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  svg.append(document.createElementNS(SVG, 'use'));
  setIcon(svg, name);
  return svg;
}

/** @param {Element} svg an icon @param {string} name what it becomes */
export function setIcon(svg, name) {
  svg.firstElementChild?.setAttribute('href', `#icon-${name}`);
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
