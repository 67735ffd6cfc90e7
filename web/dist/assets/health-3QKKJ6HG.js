import{a,b,c}from"./chunk-QUJM23GQ.js";import"./chunk-HXCIAUDS.js";import"./chunk-TUXU7PTI.js";import"./chunk-BJR2PH2A.js";import"./chunk-OTAJTAH4.js";export{a as CLASSES,b as Disk,c as Health};
