/** The report's style. One column on a telephone; colours are never the only sign. */
export const pageStyle = `
:root { color-scheme: light dark;
  --paper: #fff; --ink: #1d2330; --faint: #5b6474; --line: #d9dee7; --panel: #f5f7fa; --focus: #1457d9;
  --blocker: #a3123a; --high: #c2410c; --medium: #8a6100; --low: #33658a; --clean: #1f7a4d; --on: #fff; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #14171d; --ink: #e8ebf1; --faint: #a3acba; --line: #343b47; --panel: #1c2129; --focus: #7fb0ff;
  --blocker: #ff7d9c; --high: #ff9d6b; --medium: #f0c14b; --low: #86bfe6; --clean: #6fcf9d; --on: #14171d; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main, header, footer { max-width: 66rem; margin: 0 auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 1.5rem 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0; } .faint { color: var(--faint); }
code, pre { font: .875em/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .5rem .75rem; margin: .5rem 0; white-space: pre-wrap; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; top: .5rem; background: var(--paper); }
.counts { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .5rem; margin: 1rem 0; padding: 0; list-style: none; }
.counts li { border: 1px solid var(--line); border-left: 6px solid var(--tone); border-radius: 6px; padding: .4rem .75rem; }
.counts b { display: block; font-size: 1.5rem; line-height: 1.2; }
.blocker { --tone: var(--blocker); } .high { --tone: var(--high); } .medium { --tone: var(--medium); } .low { --tone: var(--low); } .clean { --tone: var(--clean); }
.cluster { margin: .75rem 0; } .cluster h3 { font-size: .95rem; margin: .75rem 0 .35rem; font-weight: 600; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(2.5rem, 1fr)); gap: 4px; }
.tile { font: 700 .8rem/1 ui-monospace, monospace; height: 2.5rem; min-width: 0; border: 0; border-radius: 4px; background: var(--tone); color: var(--on); cursor: pointer; padding: 0; }
.tile[aria-pressed=true] { box-shadow: 0 0 0 2px var(--paper), 0 0 0 5px var(--focus); }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; font-size: .875rem; padding: 0; list-style: none; }
.legend i { display: inline-block; width: 1.2rem; text-align: center; font: 700 .75rem/1.2rem ui-monospace, monospace; background: var(--tone); color: var(--on); border-radius: 3px; margin-right: .35rem; }
.filters { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: end; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .75rem; }
.filters fieldset { border: 0; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: .25rem .9rem; }
.filters label { display: inline-flex; gap: .35rem; align-items: center; min-height: 2rem; }
.filters input[type=search] { font: inherit; padding: .3rem .5rem; width: 16rem; max-width: 100%; border: 1px solid var(--faint); border-radius: 4px; background: var(--paper); color: var(--ink); }
button.plain { font: inherit; padding: .3rem .75rem; border: 1px solid var(--faint); border-radius: 4px; background: var(--paper); color: var(--ink); cursor: pointer; }
details.finding { border: 1px solid var(--line); border-left: 6px solid var(--tone); border-radius: 6px; margin: .5rem 0; }
details.finding > summary { padding: .55rem .75rem; cursor: pointer; overflow-wrap: anywhere; }
details.finding > div { padding: 0 .75rem .75rem; }
.badge { display: inline-block; min-width: 4.6rem; text-align: center; font-size: .75rem; font-weight: 700; padding: .05rem .4rem; border-radius: 4px; background: var(--tone); color: var(--on); margin-right: .35rem; }
ul.evidence { padding-left: 1.1rem; margin: .35rem 0; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; }
[hidden] { display: none !important; }
footer { color: var(--faint); font-size: .875rem; padding-bottom: 2rem; }
@media print { .filters, .skip, button.plain { display: none; } details.finding { break-inside: avoid; } }
`;
