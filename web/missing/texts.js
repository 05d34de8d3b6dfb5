/*
 * The sentences of the page in the place of one that is not there.
 */

export const en = {
  'missing.title': 'nakodo: nothing here',
  'missing.heading': 'There is nothing here',
  'missing.text': 'The link is incomplete or wrong. That of a room ends in /r/ and the room’s name.',
  'missing.back': 'Open a room',
};

export const ja = {
  'missing.title': 'nakodo: ページがありません',
  'missing.heading': 'ここには何もありません',
  'missing.text': 'リンクの一部が欠けているか、正しくありません。部屋のリンクは、/r/ と部屋の名前で終わります。',
  'missing.back': '部屋を開く',
};
