// Says of which level a heading is: what stands in a titled card is one below the card's own.
import { createContext, useContext } from 'react';

export const HeadingLevel = createContext<2 | 3>(2);

export const useHeading = (): 'h2' | 'h3' => `h${useContext(HeadingLevel)}`;
