/** Draws a terminal's screen, as `tmux capture-pane -e` gives it, as an SVG. */

const CELL = { width: 8.4, height: 18, size: 14 };
const MARGIN = 14;
const PAPER = '#1d1f21';
const INK = '#d8dee0';
/** The eight colours, plain and bright. */
const COLOURS = ['#555b60', '#e06c75', '#98c379', '#e5c07b', '#61afef', '#c678dd', '#56b6c2', '#d8dee0'];

const ESCAPE = new RegExp(`${String.fromCharCode(27)}\\[([\\d;]*)m`, 'g');

/** @typedef {{ ink: string, bold: boolean, faint: boolean }} Style */
/** @typedef {{ text: string, style: Style }} Run */

/** The text without its colours; nothing stands after the last word of a line. @param {string} screen */
export function plainText(screen) {
  return screen.replaceAll(ESCAPE, '').replaceAll(/[ \t]+$/gm, '');
}

/** @param {readonly string[]} lines */
export function drawScreen(lines) {
  const columns = Math.max(60, ...lines.map((line) => Array.from(plainText(line)).length));
  const width = Math.ceil(columns * CELL.width + 2 * MARGIN);
  const height = lines.length * CELL.height + 2 * MARGIN;
  const rows = lines.map((line, row) => {
    let column = 0;
    const spans = runsOf(line).map(({ text, style }) => {
      const x = (MARGIN + column * CELL.width).toFixed(1);
      column += Array.from(text).length;
      return text.trim() === '' ? '' : `<tspan x="${x}" ${attributesOf(style, text)}>${escaped(text)}</tspan>`;
    });
    return `<text y="${MARGIN + (row + 0.75) * CELL.height}">${spans.join('')}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<rect width="100%" height="100%" rx="8" fill="${PAPER}"/>`,
    `<g font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${CELL.size}" xml:space="preserve">`,
    ...rows,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

/** So wide that columns stand under each other whatever the font. @param {Style} style @param {string} text */
function attributesOf({ ink, bold, faint }, text) {
  const length = (Array.from(text).length * CELL.width).toFixed(1);
  return [
    `fill="${ink}" textLength="${length}" lengthAdjust="spacingAndGlyphs"`,
    bold ? ' font-weight="bold"' : '',
    faint ? ' opacity="0.6"' : '',
  ].join('');
}

/** @param {string} line @returns {Run[]} */
function runsOf(line) {
  /** @type {Style} */
  let style = { ink: INK, bold: false, faint: false };
  /** @type {Run[]} */
  const runs = [];
  let from = 0;
  for (const match of line.matchAll(ESCAPE)) {
    if (match.index > from) runs.push({ text: line.slice(from, match.index), style });
    for (const code of (match[1] ?? '').split(';')) style = afterCode(style, Number(code));
    from = match.index + match[0].length;
  }
  if (from < line.length) runs.push({ text: line.slice(from), style });
  return runs;
}

/** @param {Style} style @param {number} code @returns {Style} */
function afterCode(style, code) {
  if (code === 0) return { ink: INK, bold: false, faint: false };
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, faint: true };
  if (code === 22) return { ...style, bold: false, faint: false };
  if (code === 39) return { ...style, ink: INK };
  const colour = code >= 90 ? code - 90 : code - 30;
  return { ...style, ink: COLOURS[colour] ?? style.ink };
}

/** @param {string} text */
function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
