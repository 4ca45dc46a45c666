// The emoji that are offered, with the names they are found by. A small list: what people react with and write most.

const TABLE = `
grinning 😀|smile 😄|joy 😂|rofl 🤣|slight_smile 🙂|upside_down 🙃|wink 😉|blush 😊|innocent 😇|heart_eyes 😍|star_struck 🤩|kiss 😘
yum 😋|tongue 😛|zany 🤪|hug 🤗|giggle 🤭|shush 🤫|thinking 🤔|salute 🫡|raised_eyebrow 🤨|neutral 😐|expressionless 😑|smirk 😏
unamused 😒|eye_roll 🙄|grimace 😬|relieved 😌|pensive 😔|sleepy 😪|sleeping 😴|mask 😷|sick 🤒|nauseated 🤢|hot 🥵|cold 🥶
dizzy 😵|mind_blown 🤯|cowboy 🤠|party_face 🥳|cool 😎|nerd 🤓|confused 😕|worried 😟|frown ☹️|surprised 😮|astonished 😲|flushed 😳
pleading 🥺|cry 😢|sob 😭|scream 😱|disappointed 😞|tired 😫|yawn 🥱|angry 😠|rage 😡|swear 🤬|skull 💀|poop 💩
clown 🤡|ghost 👻|alien 👽|robot 🤖|see_no_evil 🙈|hear_no_evil 🙉|speak_no_evil 🙊
heart ❤️|orange_heart 🧡|yellow_heart 💛|green_heart 💚|blue_heart 💙|purple_heart 💜|black_heart 🖤|white_heart 🤍|broken_heart 💔|sparkling_heart 💖
wave 👋|ok_hand 👌|pinched 🤌|victory ✌️|crossed_fingers 🤞|love_you 🤟|horns 🤘|call_me 🤙|point_left 👈|point_right 👉|point_up 👆|point_down 👇
+1 👍|thumbs_up 👍|-1 👎|thumbs_down 👎|fist ✊|punch 👊|clap 👏|raised_hands 🙌|open_hands 👐|handshake 🤝|pray 🙏|muscle 💪
eyes 👀|brain 🧠|shrug 🤷|facepalm 🤦|dancer 💃|runner 🏃|baby 👶
dog 🐶|cat 🐱|mouse 🐭|fox 🦊|bear 🐻|panda 🐼|tiger 🐯|lion 🦁|cow 🐮|pig 🐷|frog 🐸|monkey 🐵
chicken 🐔|penguin 🐧|owl 🦉|unicorn 🦄|bee 🐝|bug 🐛|butterfly 🦋|snail 🐌|turtle 🐢|crab 🦀|octopus 🐙|whale 🐳
rose 🌹|sunflower 🌻|tulip 🌷|cactus 🌵|tree 🌳|clover 🍀|mushroom 🍄|earth 🌍|moon 🌙|sun ☀️|star ⭐|sparkles ✨
rainbow 🌈|cloud ☁️|rain 🌧️|snowflake ❄️|fire 🔥|zap ⚡|boom 💥|wave_water 🌊
apple 🍎|banana 🍌|grapes 🍇|strawberry 🍓|avocado 🥑|bread 🍞|cheese 🧀|burger 🍔|fries 🍟|pizza 🍕|taco 🌮|popcorn 🍿
cake 🎂|cookie 🍪|chocolate 🍫|ice_cream 🍦|coffee ☕|tea 🍵|beer 🍺|cheers 🍻|wine 🍷|champagne 🍾
soccer ⚽|basketball 🏀|tennis 🎾|trophy 🏆|medal 🥇|game 🎮|dice 🎲|art 🎨|guitar 🎸|music 🎵|headphones 🎧|movie 🎬
car 🚗|bike 🚲|train 🚆|plane ✈️|rocket 🚀|house 🏠|tent ⛺|world 🗺️
tada 🎉|balloon 🎈|gift 🎁|bell 🔔|idea 💡|book 📖|pencil ✏️|pin 📌|paperclip 📎|lock 🔒|key 🔑|hammer 🔨
wrench 🔧|gear ⚙️|magnet 🧲|microscope 🔬|computer 💻|keyboard ⌨️|phone 📱|camera 📷|battery 🔋|mail ✉️|package 📦|chart 📈
calendar 📅|clock 🕐|hourglass ⏳|stopwatch ⏱️|money 💰|bug_report 🪲|ship 🚢|shrimp 🦐
check ✅|cross ❌|question ❓|exclamation ❗|warning ⚠️|no_entry ⛔|100 💯|plus ➕|minus ➖|recycle ♻️|infinity ♾️|speech 💬
thought 💭|zzz 💤|red_circle 🔴|green_circle 🟢|blue_circle 🔵|white_flag 🏳️|pirate_flag 🏴‍☠️|rainbow_flag 🏳️‍🌈|checkered_flag 🏁
`;

export interface Emoji {
  name: string;
  emoji: string;
}

/** In the order in which they are offered. */
export const EMOJI: readonly Emoji[] = TABLE.trim()
  .split(/[|\n]/)
  .map((pair) => {
    const [name = '', emoji = ''] = pair.split(' ');
    return { name, emoji };
  });

/** The emoji whose name has `word` in it; those that begin with it come first. */
export function emojiLike(word: string, most: number): Emoji[] {
  const wanted = word.toLowerCase();
  const begins = EMOJI.filter(({ name }) => name.startsWith(wanted));
  const within = EMOJI.filter(({ name }) => !name.startsWith(wanted) && name.includes(wanted));
  return [...begins, ...within].slice(0, most);
}
