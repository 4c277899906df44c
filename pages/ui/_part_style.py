"""The look of what Streamlit has no widget for. Colours follow the theme, light or dark."""

STYLE = """<style>
.block-container { padding-top: 3.2rem; padding-bottom: 4rem; max-width: 1500px; }
.rs-hit { line-height: 1.5; }
.rs-head { display: flex; gap: .75rem; align-items: baseline; }
.rs-from { flex: 1; min-width: 0; }
.rs-rank { font-size: 1.35rem; font-weight: 700; min-width: 1.2em; font-variant-numeric: tabular-nums; }
.rs-document { font-weight: 600; overflow-wrap: anywhere; }
.rs-place { margin-left: .6rem; opacity: .75; overflow-wrap: anywhere; }
.rs-score { white-space: nowrap; font-variant-numeric: tabular-nums; }
.rs-score b { font-size: 1.1rem; }
.rs-move { white-space: nowrap; font-weight: 600; font-variant-numeric: tabular-nums; border-radius: 3px; padding: 0 .45em; background: rgba(128,128,128,.16); }
.rs-up { background: rgba(13,148,136,.2); }
.rs-down { background: rgba(217,119,6,.22); }
.rs-cross b { color: #b4470f; }
.rs-verdict { padding: .1em .5em; border-radius: 3px; }
.rs-line { margin-bottom: .6rem; line-height: 1.45; }
.rs-track { height: 6px; border-radius: 3px; background: rgba(128,128,128,.22); margin: .35rem 0 .6rem; }
.rs-bar { height: 6px; border-radius: 3px; background: #2f6fdd; }
.rs-text { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext; max-width: 90ch; margin-inline: 0 auto; }
.rs-text mark { background: rgba(255, 196, 0, .38); color: inherit; border-radius: 3px; padding: 0 .1em; }
.rs-syntax { opacity: .35; }
.rs-heading { font-weight: 600; }
.rs-chunk { background: rgba(47,111,221,.14); border-radius: 3px; }
.rs-cutting { max-width: none; line-height: 1.65; }
.rs-cut { box-decoration-break: clone; -webkit-box-decoration-break: clone; padding: .12em 0; border-radius: 2px; }
.rs-cut-a { background: rgba(47,111,221,.16); }
.rs-cut-b { background: rgba(230,159,0,.2); }
.rs-cut-shared { background: repeating-linear-gradient(135deg, rgba(47,111,221,.24) 0 7px, rgba(230,159,0,.3) 7px 14px); }
.rs-cut:hover { outline: 2px solid rgba(128,128,128,.7); }
.rs-figures { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.rs-figures td, .rs-figures th { padding: .2rem 1.2rem .2rem 0; text-align: start; border-bottom: 1px solid rgba(128,128,128,.25); }
.rs-unread { opacity: .42; text-decoration: line-through; text-decoration-thickness: 1px; }
.rs-number { display: inline-block; font-size: .72rem; font-weight: 700; line-height: 1; padding: .2em .4em; margin: 0 .3em 0 .15em; border-radius: 3px; border-left: 3px solid currentColor; background: rgba(128,128,128,.22); font-variant-numeric: tabular-nums; vertical-align: .1em; }
.rs-carried { display: inline-block; font-size: .85em; opacity: .75; padding: 0 .4em; margin-inline-end: .3em; border: 1px dashed currentColor; border-radius: 3px; }
.rs-faint { opacity: .65; }
.rs-times { display: flex; gap: .25rem 1.4rem; flex-wrap: wrap; font-variant-numeric: tabular-nums; }
.rs-times span b { font-weight: 600; }
.rs-meta { font-size: .85rem; margin-top: .35rem; overflow-wrap: anywhere; }
.rs-card { line-height: 1.55; overflow-wrap: anywhere; }
.rs-card .rs-document { font-size: 1.05rem; margin-bottom: .15rem; }
.rs-card .rs-faint { font-size: .88rem; }
.rs-opened .rs-document { color: #2f6fdd; }
.rs-twins > div { margin-bottom: .35rem; }
[class*="st-key-map-hidden-"] { display: none; }
[class*="st-key-map-list-"] button { justify-content: flex-start; text-align: start; min-height: 1.7rem; padding-block: .1rem; }
[class*="st-key-map-list-"] { row-gap: .15rem; }
.st-key-examples { row-gap: 0; }
.st-key-examples button { min-height: 1.9rem; padding-block: 0; text-decoration: underline dotted; text-underline-offset: .25em; }
</style>"""
