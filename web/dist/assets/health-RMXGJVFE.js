import{a,b,c}from"./chunk-IO6FFVQC.js";import"./chunk-OCDTKIZZ.js";import"./chunk-C4LQBKH3.js";import"./chunk-BJR2PH2A.js";import"./chunk-MLZ4TEGE.js";export{a as CLASSES,b as Disk,c as Health};
