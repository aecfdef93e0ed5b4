export { richCaption, shortCaption, trainingCaption } from "./captions.ts";
export { type EmojiData, type EmojiEntry, emojiSources, loadEmoji } from "./loadEmoji.ts";
export { vocabulary } from "./vocabulary.ts";
