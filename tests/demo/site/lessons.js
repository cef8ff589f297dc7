/* A module of three sequences of grains, in French and in English. The right answer is the first;
   the page shuffles them. */

export const module = {
  id: "module-plantes",
  fr: {
    title: "La photosynthèse",
    intro: "Comment une feuille fait-elle du sucre avec de la lumière, de l’eau et de l’air ?",
  },
  en: {
    title: "Photosynthesis",
    intro: "How does a leaf make sugar out of light, water and air?",
  },
};

export const sequences = [
  {
    id: "sequence-1",
    fr: "Capter la lumière",
    en: "Catching the light",
    grains: [
      {
        id: "grain-lumiere",
        fr: {
          title: "La lumière",
          text: [
            "Une plante ne mange pas : elle fabrique elle-même ce dont elle se nourrit. L’énergie qu’il lui faut pour cela vient du Soleil.",
            "Sans lumière, une plante verte vit quelque temps sur ses réserves, puis elle jaunit et meurt. C’est pourquoi elle tourne ses feuilles vers la fenêtre.",
          ],
          question: "D’où vient l’énergie de la photosynthèse ?",
          answers: ["De la lumière", "De la terre du pot", "De la chaleur de la pièce"],
        },
        en: {
          title: "Light",
          text: [
            "A plant does not eat: it makes its own food. The energy it needs for that comes from the Sun.",
            "Without light a green plant lives on its reserves for a while, then turns yellow and dies. That is why it turns its leaves towards the window.",
          ],
          question: "Where does the energy of photosynthesis come from?",
          answers: ["From light", "From the soil in the pot", "From the warmth of the room"],
        },
      },
      {
        id: "grain-chlorophylle",
        fr: {
          title: "La chlorophylle",
          text: [
            "Dans chaque cellule de la feuille, de petits grains verts, les chloroplastes, contiennent un pigment : la chlorophylle.",
            "Elle absorbe surtout la lumière rouge et la lumière bleue. Le vert, qu’elle n’utilise guère, est renvoyé vers nos yeux : c’est pourquoi les feuilles sont vertes.",
          ],
          question: "Pourquoi une feuille est-elle verte ?",
          answers: [
            "La chlorophylle renvoie la lumière verte",
            "La chlorophylle absorbe la lumière verte",
            "La sève est verte",
          ],
        },
        en: {
          title: "Chlorophyll",
          text: [
            "In every cell of the leaf, small green grains, the chloroplasts, hold a pigment: chlorophyll.",
            "It absorbs mostly red and blue light. Green, of which it makes little use, is sent back to our eyes: that is why leaves are green.",
          ],
          question: "Why is a leaf green?",
          answers: [
            "Chlorophyll sends green light back",
            "Chlorophyll absorbs green light",
            "The sap is green",
          ],
        },
      },
    ],
  },
  {
    id: "sequence-2",
    fr: "Respirer et boire",
    en: "Breathing and drinking",
    grains: [
      {
        id: "grain-echanges",
        fr: {
          title: "Les échanges gazeux",
          text: [
            "Sous la feuille s’ouvrent des milliers de pores minuscules, les stomates. Le dioxyde de carbone de l’air y entre, le dioxygène en sort.",
            "La nuit, ou quand l’eau manque, les stomates se ferment : la plante économise l’eau, mais la photosynthèse s’arrête.",
          ],
          question: "Par où le dioxyde de carbone entre-t-il dans la feuille ?",
          answers: ["Par les stomates", "Par les racines", "Par les nervures"],
        },
        en: {
          title: "The exchange of gases",
          text: [
            "Thousands of tiny pores, the stomata, open under the leaf. Carbon dioxide from the air comes in, oxygen goes out.",
            "At night, or when water is scarce, the stomata close: the plant saves water, but photosynthesis stops.",
          ],
          question: "How does carbon dioxide get into the leaf?",
          answers: ["Through the stomata", "Through the roots", "Through the veins"],
        },
      },
      {
        id: "grain-eau",
        fr: {
          title: "L’eau et la sève",
          text: [
            "Les racines puisent dans le sol l’eau et les sels minéraux. Cette sève brute monte jusqu’aux feuilles, parfois à plus de cent mètres de haut, sans aucune pompe.",
            "C’est l’évaporation par les feuilles qui la tire vers le haut, comme on aspire avec une paille.",
          ],
          question: "Qu’est-ce qui fait monter la sève brute ?",
          answers: [
            "L’évaporation par les feuilles",
            "Un cœur dans la tige",
            "Le poids du sol sur les racines",
          ],
        },
        en: {
          title: "Water and sap",
          text: [
            "Roots draw water and mineral salts from the soil. This sap climbs to the leaves, sometimes more than a hundred metres up, without any pump.",
            "Evaporation from the leaves pulls it upwards, as one drinks through a straw.",
          ],
          question: "What makes the sap climb?",
          answers: [
            "Evaporation from the leaves",
            "A heart in the stem",
            "The weight of the soil on the roots",
          ],
        },
      },
    ],
  },
  {
    id: "sequence-3",
    fr: "Fabriquer du sucre",
    en: "Making sugar",
    grains: [
      {
        id: "grain-glucose",
        fr: {
          title: "Le glucose",
          text: [
            "Avec l’énergie de la lumière, la feuille assemble six molécules de dioxyde de carbone et six d’eau en une molécule de sucre, le glucose. Six molécules de dioxygène sont libérées.",
            "La plante brûle une partie de ce sucre, en met une autre en réserve sous forme d’amidon, et bâtit avec le reste ses tiges, ses feuilles et ses racines.",
          ],
          question: "Quel gaz la photosynthèse libère-t-elle ?",
          answers: ["Du dioxygène", "Du dioxyde de carbone", "Du diazote"],
        },
        en: {
          title: "Glucose",
          text: [
            "With the energy of light, the leaf puts six molecules of carbon dioxide and six of water together into one molecule of a sugar, glucose. Six molecules of oxygen are set free.",
            "The plant burns some of this sugar, stores some as starch, and builds its stems, leaves and roots with the rest.",
          ],
          question: "Which gas does photosynthesis set free?",
          answers: ["Oxygen", "Carbon dioxide", "Nitrogen"],
        },
      },
      {
        id: "grain-carbone",
        fr: {
          title: "Le cycle du carbone",
          text: [
            "Le carbone du bois, du pain et du coton vient de l’air : des plantes l’y ont pris. Les animaux, les champignons et le feu l’y remettent.",
            "En brûlant du charbon et du pétrole, nous rendons à l’air en un siècle ce que des plantes avaient mis des millions d’années à enfouir.",
          ],
          question: "D’où vient le carbone du bois ?",
          answers: ["De l’air", "Du sol", "De l’eau de pluie"],
        },
        en: {
          title: "The carbon cycle",
          text: [
            "The carbon in wood, bread and cotton comes from the air: plants took it there. Animals, fungi and fire put it back.",
            "By burning coal and oil we give back to the air in one century what plants took millions of years to bury.",
          ],
          question: "Where does the carbon in wood come from?",
          answers: ["From the air", "From the soil", "From rain water"],
        },
      },
    ],
  },
];
